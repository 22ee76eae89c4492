"""Words before which people say a name, in nine languages, and words that follow them without being one."""

from __future__ import annotations

import re

from gateway.redact.conversation.common import COMMON, FUNCTION_WORDS
from gateway.redact.precision.vocabulary import GENERIC

SALUTATIONS = (
    r"Dear|Hi|Hello|Hey|Sehr geehrter?|Liebe[rs]?|Hallo|Guten Tag|Moin|Ch[eè]re?|Bonjour|Salut|Bonsoir|Estimad[oa]|"
    r"Querid[oa]|Hola|Apreciad[oa]|Gentile|Egregi[oa]|Car[oa]|Ciao|Buongiorno|Prezad[oa]|Car[oa]|Ol[áa]|Bom dia|Beste|"
    r"Geachte|Lieve|Dag|Szanown[yae]|Drog[ia]|Cześć|Witaj|Kære|Kjære|Hej|Thanks|Thank you|Danke|Merci|Gracias|Grazie|"
    r"Obrigad[oa]|Bedankt|Dzięki"
)
CUES_OF_SIGNATURES = (
    r"(?:(?:best|kind|warm|kindest|warmest|many)\s)?regards|best(?: wishes)?|(?:yours )?(?:sincerely|truly|faithfully)"
    r"(?: yours)?|yours|cheers|thanks(?: (?:a lot|again|so much))?|many thanks|thank you|love|take care|respectfully|"
    r"mit (?:freundlichen|besten|lieben|herzlichen) gr(?:ü|ue)(?:ß|ss)en|(?:viele|liebe|beste|herzliche|"
    r"schöne) gr(?:ü|ue)(?:ß|ss)e|"
    r"gru(?:ß|ss)|lg|mfg|vg|hochachtungsvoll|vielen dank|danke|(?:bien )?cordialement|bien à vous|amicalement|"
    r"(?:sincères )?salutations(?: distinguées)?|bises|merci(?: d'avance)?|"
    r"(?:un )?(?:cordial )?saludos?(?: cordiales)?|"
    r"atentamente|un abrazo|gracias|cordiali saluti|distinti saluti|(?:tanti )?saluti|un saluto|cordialmente|grazie|"
    r"atenciosamente|(?:um )?abraços?|com os melhores cumprimentos|cumprimentos|obrigad[oa]|"
    r"met vriendelijke groet(?:en)?|"
    r"(?:hartelijke )?groet(?:en|jes)?|mvg|bedankt|pozdrawiam|z poważaniem|pozdrowienia|med venlig hilsen|"
    r"vänliga hälsningar|mvh|hilsen"
)
INTRODUCTIONS = (
    r"my (?:full |first |last )?name is|my name's|the name is|name's|mein name ist|ich heiße|ich heisse|"
    r"je m['’]appelle|"
    r"mon nom est|me llamo|mi nombre es|mi chiamo|il mio nome è|me chamo|chamo-me|o meu nome é|meu nome é|ik heet|"
    r"mijn naam is|nazywam się|mam na imię|jag heter|jeg hedder|jeg heter|a (?:man|woman|person|guy|girl) (?:named|"
    r"called)|"
    r"(?:hombre|mujer|persona) llamad[oa]|nommée?|namens|au nom de|a nombre de|im namen von|on behalf of|"
    r"a nome di|em nome de"
)
WEAK_INTRODUCTIONS = r"I am|I['’]m|this is|je suis|soy|sono|sou|ik ben|jestem|ich bin"
_RELATIVES = (
    (
        r"(?:my|his|her|our|their|your) (?:best |old |good |new |late |older |younger |little |big )?",
        """landlord landlady boss husband wife friend girlfriend boyfriend partner fiancé fiancée fiance colleague
        coworker co-worker neighbour neighbor roommate flatmate brother sister mother father mom mum dad son daughter
        uncle aunt cousin nephew niece grandmother grandfather grandma grandpa manager supervisor teacher professor
        doctor dentist therapist lawyer client customer patient tenant student employee ex bestie buddy mate nanny
        babysitter coach trainer mentor ex-husband ex-wife ex-boyfriend ex-girlfriend stepson stepdaughter
        mother-in-law father-in-law""",
    ),
    (
        r"(?:mein|meine|meinen|meinem|meiner|unser|unsere) ",
        """vermieter vermieterin chef chefin mann frau freund freundin kollege kollegin nachbar nachbarin bruder
        schwester mutter vater sohn tochter onkel tante lehrer lehrerin kunde kundin""",
    ),
    (
        r"(?:mon|ma|notre) ",
        """mari femme ami amie copain copine patron patronne collègue voisin voisine frère sœur soeur mère père fils
        fille oncle tante cousin cousine propriétaire client cliente""",
    ),
    (
        r"(?:mi|nuestr[oa]) ",
        """marido esposo esposa amigo amiga novio novia jefe jefa colega vecino vecina hermano hermana madre padre hijo
        hija tío tía primo prima casero cliente""",
    ),
    (
        r"(?:il mio|la mia|mio|mia) ",
        """marito moglie amico amica capo collega vicino vicina fratello sorella madre padre figlio figlia zio zia""",
    ),
    (
        r"(?:o meu|a minha|meu|minha) ",
        """marido mulher esposa amigo amiga chefe colega vizinho vizinha irmão irmã mãe pai filho filha senhorio""",
    ),
    (
        r"(?:mijn|onze) ",
        "man vrouw vriend vriendin baas collega buurman buurvrouw broer zus moeder vader zoon dochter",
    ),
    (
        r"(?:mój|moja|moim|moją) ",
        "mąż żona przyjaciel przyjaciółka szef szefowa brat siostra matka ojciec syn córka",
    ),
    ("", "patient patientin pat. witness zeugin zeuge onkel tante uncle aunt detective nurse judge"),
)
RELATIONS = "|".join(
    f"{before}(?:{'|'.join(map(re.escape, nouns.split()))})(?:['’]s name is)?" for before, nouns in _RELATIVES
)
RELATION_WORDS = frozenset(
    word for _, nouns in _RELATIVES for noun in nouns.split() for word in noun.strip(".").split("-") if word != "in"
)
TITLE_WORDS = frozenset(
    """mr mrs ms mx miss dr prof professor herr herrn frau hr fr mme mlle madame monsieur m maître sr sra srta señor
    señora señorita don doña dona d dott sig signor signora senhor senhora dhr mevr mevrouw meneer pan pana panu
    pani panią sir dame mgr avv ing""".split()
)
SALUTATION_WORDS = frozenset(
    """dear hi hello hey geehrte geehrter liebe lieber liebes hallo guten moin chère chere cher bonjour salut bonsoir
    estimado estimada querido querida hola apreciado apreciada gentile egregio egregia caro cara ciao buongiorno
    prezado prezada olá ola bom beste geachte lieve dag szanowny szanowna szanowne droga drogi cześć witaj kære
    kjære hej thanks thank danke merci gracias grazie obrigado obrigada bedankt dzięki""".split()
)
SIGNATURE_WORDS = frozenset(
    """regards best wishes sincerely truly faithfully yours cheers thanks thank love care respectfully grüßen gruessen
    grüssen grüße grüsse gruesse gruß gruss lg mfg vg hochachtungsvoll dank danke cordialement vous amicalement
    salutations bises merci saludos saludo atentamente abrazo gracias saluti saluto cordialmente grazie
    atenciosamente abraços abraço cumprimentos obrigado obrigada groet groeten groetjes mvg bedankt pozdrawiam
    poważaniem pozdrowienia hilsen hälsningar mvh""".split()
)
INTRODUCTION_WORDS = frozenset(
    """name name's nom nombre nome naam heiße heisse appelle llamo chiamo chamo heet nazywam imię heter hedder named
    called llamado llamada nommé nommée namens namen behalf""".split()
)
WEAK_INTRODUCTION_WORDS = frozenset("am m suis soy sono sou ben jestem bin".split())
_VERBS = frozenset(
    """told said shot got gave left went came made took wrote thinks knows keeps kept sent found asked wants want wont
    cant doesnt didnt isnt wasnt won can could would should might must shall may will has had was were been be
    being get give go come make take write think know keep send find ask call called tell say let put run ran won
    lost lose broke break buy bought sell sold pay paid see saw hear heard feel felt met meet drove drive stole hit
    hurt quit moved live lives love like need hate help thing things job house car place phone number email address
    office room flat apartment computer laptop company account birthday name party wedding letter dog cat family
    kid kids child children money salary contract rent lease mail message text note notes report review reference
    request reply response answer question story idea advice email here there now today tomorrow yesterday tonight
    again once soon later already still yet very really just only even also too so then than that this what when
    where why how who which while because if or but and as at by for from in into of off on onto out over to up
    with without about after before during until since between against around through alone sick ill dead angry
    happy sad mad late new old good bad best first last next other same schon immer nicht auch sehr gerade heute
    gestern morgen sagt sagte hat ist war wird kann will möchte meint est sont était veut dit pense toujours aussi
    dice dijo quiere tiene está esta era fue dice vuole ha è era diz disse quer tem está é foi zegt wil heeft is
    was mówi chce ma jest american british english german french spanish italian portuguese dutch polish european
    irish student teacher writing looking trying going working happy sorry sure glad fine ok okay ready not afraid
    lehrer student ärztin arzt""".split()
)
_ENDINGS = (
    "ing",
    "ly",
    "ed",
    "tion",
    "ment",
    "ness",
    "ity",
    "ance",
    "ence",
    "ship",
    "n't",
    "able",
    "ful",
    "less",
    "ous",
    "ive",
)
_ENDS_LIKE_A_WORD = frozenset(
    """fred mohamed ahmed ted jared alfred wilfred emily kelly molly polly sally lily billy willy ly sterling irving
    clarence florence laurence terrance constance clive olive""".split()
)
_ENDS_IN_S = frozenset(
    """thomas james lucas jonas carlos marcos nicolas chris andreas hans klaus agnes ines jules mats lars niklas
    tobias matthias elias alexis anais iris doris dennis louis luis matheus markus marcus magnus linus rasmus
    julius jesus mathias andres moises douglas nikolaos giorgos kostas yannis frances ross tess jess bess gus
    russ""".split()
)


def is_no_name(word: str, *, everyday: bool = False) -> bool:
    """Whether a word in lower case after a cue is rather the next word of the sentence.

    `everyday`: the word may be a common one (Rose, Berg) and a name all the same.
    """
    if word in (FUNCTION_WORDS if everyday else COMMON) or word in GENERIC or word in _VERBS or len(word) < 3:
        return True
    if word.endswith("s") and word not in _ENDS_IN_S and not everyday:
        return True
    return word.endswith(_ENDINGS) and word not in _ENDS_LIKE_A_WORD
