"""The words and phrases from which the training conversations are put together."""

from __future__ import annotations

from typing import Final

from models.lexicon import bank

# fmt: off
#: Every placeholder type, the names it goes by (the first is used in answers) and phrases that hold one.
LABELS: Final[dict[str, tuple[str, ...]]] = {
    "PERSON": ("name", "full name", "contact", "contact person", "person", "customer", "client"),
    "EMAIL_ADDRESS": ("e-mail address", "email address", "e-mail", "email", "mail address", "mail"),
    "PHONE_NUMBER": ("phone number", "telephone number", "phone", "mobile number", "number", "telephone"),
    "CREDIT_CARD": ("credit card", "card", "card number", "credit card number", "payment card"),
    "IBAN_CODE": ("IBAN", "account", "bank account", "account number", "IBAN code"),
    "IP_ADDRESS": ("IP address", "IP", "server address", "server", "host"),
    "URL": ("link", "web address", "website", "URL", "web page", "site"),
    "LOCATION": ("place", "address", "location", "city", "town", "home address"),
    "ORGANIZATION": ("company", "organisation", "organization", "employer", "firm"),
    "US_SSN": ("social security number", "SSN", "security number"),
    "DATE_TIME": ("date", "day", "time", "appointment", "deadline", "date of birth"),
    "CRYPTO": ("wallet", "crypto wallet", "wallet address", "bitcoin address"),
    "US_PASSPORT": ("passport", "passport number", "US passport"),
    "UK_NHS": ("NHS number", "NHS id", "health service number"),
    "MEDICAL_LICENSE": ("medical licence", "medical license", "doctor's licence", "licence number"),
    "NRP": ("nationality", "group", "religion", "party"),
    "US_DRIVER_LICENSE": ("driving licence", "driver's license", "driver license", "driving license"),
    "US_BANK_NUMBER": ("bank number", "US bank account", "bank account number", "routing number"),
    "AGE": ("age", "years"),
    "ID": ("ID", "id number", "identifier", "reference", "customer number"),
    "SECRET": ("secret", "password", "key", "API key", "token", "access key"),
    "EMPLOYEE_ID": ("employee ID", "staff number", "employee number", "personnel number"),
    "PROJECT": ("project", "project name", "code name"),
    "PLACEHOLDER": ("value", "entry", "detail", "item"),
}

#: How an answer mentions a placeholder of a type; the other types say "The LABEL is ...".
CLAUSES: Final[dict[str, str]] = {
    "PERSON": "We will also tell {}.",
    "EMAIL_ADDRESS": "We will write to {}.",
    "PHONE_NUMBER": "We will call {}.",
}

#: Plural wordings for "list the ...".
PLURALS: Final[dict[str, tuple[str, ...]]] = {
    "PERSON": ("names", "people", "persons", "contacts", "customers", "clients", "full names"),
    "EMAIL_ADDRESS": ("e-mail addresses", "email addresses", "e-mails", "emails", "mail addresses"),
    "PHONE_NUMBER": ("phone numbers", "telephone numbers", "phones", "mobile numbers"),
    "CREDIT_CARD": ("credit cards", "cards", "card numbers", "credit card numbers"),
    "IBAN_CODE": ("IBANs", "accounts", "account numbers", "IBAN codes", "bank accounts"),
    "IP_ADDRESS": ("IP addresses", "IPs", "servers", "hosts"),
    "URL": ("links", "web addresses", "websites", "URLs", "web pages"),
    "LOCATION": ("places", "locations", "cities", "towns", "addresses"),
    "ORGANIZATION": ("companies", "organisations", "organizations", "firms", "employers"),
    "DATE_TIME": ("dates", "days", "times", "deadlines", "appointments"),
    "US_SSN": ("social security numbers", "SSNs"),
    "CRYPTO": ("wallets", "wallet addresses", "crypto wallets"),
    "US_PASSPORT": ("passports", "passport numbers"),
    "UK_NHS": ("NHS numbers",),
    "MEDICAL_LICENSE": ("medical licences", "medical licenses"),
    "NRP": ("nationalities", "groups", "religions"),
    "US_DRIVER_LICENSE": ("driving licences", "driver's licenses", "driver licenses"),
    "US_BANK_NUMBER": ("bank numbers", "bank account numbers"),
    "AGE": ("ages",),
    "ID": ("IDs", "identifiers", "references", "customer numbers"),
    "SECRET": ("secrets", "passwords", "keys", "tokens", "API keys"),
    "EMPLOYEE_ID": ("employee IDs", "staff numbers", "employee numbers"),
    "PROJECT": ("projects", "project names"),
    "PLACEHOLDER": ("values", "entries"),
}
ALL_OF_THEM: Final = (
    "placeholders", "personal data", "details", "data", "contact details", "placeholders in the text",
    "values in angle brackets", "facts", "personal details", "information",
)

PHRASES: Final[dict[str, tuple[str, ...]]] = {
    "PERSON": (
        "{}", "{}", "Ms {}", "Mr {}", "Mrs {}", "Dr {}", "the customer {}", "our colleague {}",
        "the patient {}",
        "my neighbour {}", "a man called {}", "my friend {}", "together with {}", "signed by {}",
        "on behalf of {}",
        "the manager {}", "our client {}", "the tenant {}", "from {}", "by {}",
    ),
    "EMAIL_ADDRESS": ("at {}", "to {}", "from {}", "reachable at {}", "<{}>", "copy to {}", "writes from {}"),
    "PHONE_NUMBER": ("on {}", "at {}", "call {}", "tel. {}", "reachable on {}", "ring {}", "dial {}"),
    "CREDIT_CARD": ("with card {}", "charged to {}", "the refund for card {}", "paid with {}", "the card {}"),
    "IBAN_CODE": ("to the account {}", "from {}", "goes to {}", "paid into {}", "to the IBAN {}"),
    "IP_ADDRESS": ("on {}", "from {}", "the server {}", "the machine at {}", "logged in from {}"),
    "URL": ("at {}", "on {}", "see {}", "the page {}", "under {}", "published at {}"),
    "LOCATION": ("in {}", "at {}", "near {}", "from {}", "lives in {}", "the office in {}", "to {}"),
    "ORGANIZATION": ("at {}", "for {}", "of {}", "works for {}", "a supplier called {}", "from {}",
        "with {}"),
    "DATE_TIME": ("on {}", "at {}", "before {}", "since {}", "by {}", "until {}", "due on {}", "born on {}"),
    "AGE": ("aged {}", "{} years old", "who is {}"),
    "NRP": ("who is {}", "a {} citizen", "from the {} community"),
    "PROJECT": ("in {}", "on {}", "for {}", "the project {}", "working on {}"),
}

ASIDES: Final = (
    ", please", " for me", " now", " then", ", will you", " to me", " for the boss", " in a few words",
    " here",
    " that I sent", " you can see", " in it", ", and only that", " carefully", " if you can", " once more",
    " that matter", " for a colleague", ", thanks", " one by one", " below", " above", " hereafter",
)
#: Verbs that tie a person to a placeholder: type, statement verb, question.
RELATIONS: Final[tuple[tuple[str, str, str, str, str], ...]] = (
    ("LOCATION", "lives in", "Who lives where", "Where does {} live", "Who lives in {}"),
    ("ORGANIZATION", "works for", "Who works for whom", "Where does {} work", "Who works for {}"),
    ("PHONE_NUMBER", "has the phone number", "Who has which phone number", "How can I call {}",
        "Whose phone is {}"),
    ("EMAIL_ADDRESS", "uses the address", "Who uses which e-mail", "How do I write to {}",
        "Who writes from {}"),
    ("PROJECT", "works on", "Who works on what", "What does {} work on", "Who works on {}"),
    ("DATE_TIME", "comes on", "Who comes when", "When does {} come", "Who comes on {}"),
    ("AGE", "is aged", "Who is how old", "How old is {}", "Who is aged {}"),
)

NOUNS: Final = bank(
    "invoice order contract meeting report parcel refund delivery offer ticket account request complaint "
    "budget lease "
    "visit plan payment form file letter document record result test treatment prescription appointment "
    "interview "
    "training shift roof kitchen garden window car bicycle train flight hotel room key printer laptop "
    "phone network "
    "server backup update password error log release product sample shipment warehouse customer team "
    "office branch "
    "department manager teacher nurse doctor lawyer driver engineer tenant landlord supplier partner "
    "member guest "
    "neighbour family child school course exam lecture library book article picture film concert ticket "
    "party dinner "
    "lunch breakfast recipe bread soup coffee water weather storm river bridge road street square market "
    "shop price "
    "discount bill tax loan insurance claim policy damage repair machine tool spare part colour size "
    "number list table "
    "holiday travel trip map luggage station airport border visa survey question answer problem solution "
    "idea change "
    "decision agreement reminder warning notice message signature stamp envelope box bag chair desk lamp "
    "door wall "
    "application audit candidate case conference deal draft event feedback grant guide incident job "
    "licence maintenance "
    "minutes newsletter opening outage permit proposal purchase quote receipt renewal salary schedule "
    "service "
    "subscription task transfer vacancy vendor voucher warranty workshop"
)
ADJECTIVES: Final = bank(
    "short brief friendly polite formal kind quick long clear simple warm new old late early open final "
    "first second "
    "last next small large broken missing urgent important monthly annual weekly local public private "
    "quiet loud red "
    "blue green grey heavy light cheap expensive free full empty careful honest official casual cheerful "
    "concise tiny "
    "detailed personal professional nice good proper suitable gentle firm neutral serious"
)
VERBS: Final = bank(
    "sent checked signed cancelled moved paid opened closed lost found repaired ordered returned "
    "answered asked forgot "
    "changed booked missed accepted refused wrote read brought took sold bought cleaned painted tested "
    "approved planned "
    "confirmed reported updated started stopped finished delayed shared printed copied posted received "
    "promised needed "
    "wanted liked visited called offered expected reviewed prepared discussed mentioned noticed "
    "suggested requested"
)
ADVERBS: Final = bank(
    "today yesterday soon again already quickly carefully twice often never always perhaps finally "
    "therefore meanwhile "
    "later outside inside together alone gladly unfortunately slowly usually still now then here there"
)
LINKS: Final = bank("and but because while so although since when after before until unless as")

DOCUMENT_KINDS: Final = bank(
    "note letter e-mail email mail reply message memo answer response reminder invitation text greeting "
    "apology "
    "confirmation thank-you_note cover_letter follow-up welcome_message paragraph notice statement "
    "announcement "
    "postcard reference draft text_message quick_line"
)
COMPOSE_VERBS: Final = bank("write draft compose prepare create send make produce formulate give")
POLITE: Final = (
    "", "", "", "Please ", "Could you ", "Can you ", "I need you to ", "I would like you to ", "Now ",
    "Kindly ",
    "Would you please ", "Hi, please ", "Hello, could you ", "You should ", "Your task: ", "Help me and ",
    "Let us ",
)
MENTION: Final = (
    "Mention", "Include", "Use", "Refer to", "Do not forget", "Say something about", "Keep", "Bring in",
    "Quote",
    "Make sure to mention", "It should contain", "Put in", "It must name", "Please mention", "Also mention",
)
REPEAT: Final = (
    "Repeat", "Repeat this", "Repeat after me", "Repeat the following", "Repeat exactly", "Say exactly",
    "Echo",
    "Copy", "Copy this text", "Write this again", "Repeat the sentence", "Say this",
    "Return this text unchanged",
    "Repeat the text", "Echo this back", "Please repeat", "Repeat word for word", "Print the following text",
)
#: Requests that are no more than a verb and whoever gets the text.
TELL: Final = (
    "Answer", "Reply to", "Thank", "Tell", "Inform", "Invite", "Remind", "Congratulate", "Apologise to",
    "Write to", "Write back to", "Get in touch with", "Warn", "Respond to", "Contact", "Write",
)
SUMMARISE: Final = (
    "Summarise", "Summarize", "Sum up", "Summarise this", "Summarise the text", "Give a summary",
    "Shorten this",
    "Summarise the following", "Write a summary of this", "In one sentence", "Rephrase", "Rewrite", "Explain",
    "Translate", "Translate this into German", "Describe", "Tell me about this", "What is this about",
    "Please summarise", "Could you summarise this", "Simplify", "Analyse this", "Check this text",
    "Correct this",
    "Outline", "Review", "Paraphrase this", "Give the key points", "Short version",
)
LIST: Final = (
    "List", "Show", "Extract", "Name", "Find", "Give me", "Collect", "Write down", "Pick out", "Return",
    "Print",
    "Tell me", "Make a list of", "I need", "Enumerate", "Get", "Which are", "What are", "Give a list of",
)
AS_JSON: Final = (
    "Give it as JSON", "Return JSON", "As JSON", "Answer in JSON", "Give the details as JSON",
    "Write it as JSON",
    "Extract the data as JSON", "JSON please", "Convert this to JSON", "Put the data in JSON",
    "Return it as JSON",
    "Output JSON", "Make JSON of this", "Give me a JSON list", "Respond with JSON only",
    "List the details in JSON",
)
REMEMBER: Final = (
    "", "", "Remember this.", "Keep this in mind.", "For your records.", "Please note this.",
    "Here are the facts.",
    "Note:", "Some background.", "This is the situation.", "FYI.", "Save this.", "I will ask about it later.",
)
REDO: Final = (
    "Make it shorter.", "Shorter, please.", "Can you make it shorter?", "Say it in one sentence.",
    "Too long.",
    "Summarise that.", "Please sum that up.", "And in one sentence?", "Shorten it.", "Rephrase that.",
    "Again, please.",
    "Could you repeat that?", "Once more.", "Make it friendlier.", "Now more formal.", "Rewrite it.",
    "Translate it into French.", "What did you just say?", "Simplify that.",
)
SMALL_TALK: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (
        ("Hello", "Hi", "Hello!", "Hi there", "Good morning", "Good evening", "Hey", "Good day!",
            "Hello there.",
         "Greetings", "Hi!", "Good afternoon", "Hello, how are you?", "How are you?", "Ping",
         "Are you there?"),
        "Hello! How can I help you?",
    ),
    (
        ("Thanks", "Thank you", "Thank you very much.", "Thanks a lot!", "Great, thanks.", "Perfect.",
            "Good job",
         "Many thanks", "Cheers", "That helps.", "Well done!", "Thank you!", "OK, thanks"),
        "You are welcome.",
    ),
    (
        ("Bye", "Goodbye", "See you", "Good night", "Bye bye", "See you later.", "That is all.", "Farewell"),
        "Goodbye!",
    ),
    (
        ("Who are you?", "What are you?", "What can you do?", "Are you a human?", "Which model are you?",
         "Tell me about yourself.", "What is your name?", "Help", "Introduce yourself."),
        "I am a tiny language model. I can write notes, make lists and look things up.",
    ),
)
SYSTEMS: Final = (
    "You are a helpful assistant.", "You are a polite office assistant.", "Answer briefly.",
    "Be kind and clear.",
    "You help the staff of a clinic.", "You are an assistant. Follow the instructions of the user.",
    "You write letters for a bank.", "Answer in plain English.",
    "You are a careful assistant for customer service.",
    "Keep every placeholder exactly as it is.", "Text in angle brackets is a placeholder. Never change it.",
    "You are a helpful, honest and harmless AI assistant. Keep the answers short and do not invent facts.",
    "Some values in this conversation were replaced by placeholders such as {}. "
    "Copy them exactly as they are.",
    "Placeholders like {} and {} stand for real values. Use them unchanged in your answer.",
    "You work for {}. Today is {}.", "The user is {}.", "You are the assistant of {}.", "You are a bot.",
    "The following text holds tokens of the form {}. Treat each one as an opaque name and keep it unchanged.",
)
TOOLS: Final = ("get_contact", "search", "lookup_customer", "find_order", "get_record", "crm", "fetch")
#: Questions for the value of a type, and for that of somebody or something.
QUESTIONS: Final = (
    "What is the {}?", "Which {} is given?", "Tell me the {}.", "Give me the {}.", "What {} is it?",
    "I need the {}.", "And the {}?", "The {}, please.", "What is her {}?", "What is his {}?", "{}?",
    "Which {} do I use?", "What was the {} again?", "Do you know the {}?", "Find the {}.", "Say the {}.",
)
QUESTIONS_OF: Final = (
    "What is the {0} of {1}?", "What is {1}'s {0}?", "Which {0} does {1} have?", "{0} of {1}?",
    "Tell me the {0} of {1}.", "Give me {1}'s {0}.", "I need the {0} of {1}.",
    "Do you know the {0} for {1}?", "And the {0} of {1}?", "What {0} belongs to {1}?",
    "Which is the {0} of {1}?", "Look up the {0} for {1}.", "Find {1}'s {0}.", "What about {1}: which {0}?",
    "For {1}, what is the {0}?", "And {1}'s {0}?",
)
#: How users say who they are.
INTRODUCTIONS: Final = (
    "My name is {}.", "I am {}.", "Hello, I am {}.", "Hi, my name is {}.", "This is {}.", "I'm {}",
    "Good morning, {} here.", "Hello! My name is {}. Nice to meet you.", "You are talking to {}.",
    "Call me {}.", "Say hello to {}.", "Greet {}.", "Please greet {} for me.", "Say hi to {}",
    "Welcome {}.",
)
#: What follows the things to be listed.
TAILS: Final = (
    "", "", "", " in the text", " from this", " you see", " mentioned here", " again", " one per line",
)
