"""What tells about one person and is no name: birth dates, ages, user names, and their numbers with others.

A date is mostly harmless and a policy may allow DATE_TIME; a birth date is not, so it is a type of its own. A number of
a person with a company or a hospital identifies the person; that of an order, a parcel, a ticket or a book does not.
"""

from __future__ import annotations

from gateway.redact.recognizers.table import LABEL_GAP, Row, after, keyed

_MONTHS = (
    r"(?:jan|feb|fév|fev|mar|mär|mrz|maa|maj|mai|may|apr|abr|avr|kwi|jun|juin|jul|juil|lip|cze|aug"
    r"|aou|aoû|ago|sie|sep|set|wrz|oct|okt|out"
    r"|ott|paź|paz|nov|lis|dec|déc|dez|dic|des|gru|ene|gen|giu|lug|mag|sty|lut|mei|joulu|tammi"
    r"|helmi|touko|kesä|heinä|elo|syys|loka|marras)\p{L}{0,8}"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_YEAR = r"(?:1[89]\d\d|20[0-3]\d)"
_DATE = (
    rf"{_DAY}[ ]?[./\-][ ]?{_DAY}[ ]?[./\-][ ]?(?:{_YEAR}|\d\d)|{_YEAR}[./\-]{_DAY}[./\-]{_DAY}"
    rf"|{_DAY}(?:\.|st|nd|rd|th|er|º|°)?[ \-]?(?:de |of |d['’])?{_MONTHS}\.?,?[ \-]?(?:de |del )?(?:{_YEAR}|['’]?\d\d)"
    rf"|{_MONTHS}\.?[ \-]{_DAY}(?:st|nd|rd|th)?,?[ \-]{_YEAR}|(?:19|20)\d\d[01]\d[0-3]\d"
)
_BIRTH = (
    r"\bborn\b|birth ?da(?:te|y)|birth|\bd\.?o\.?b\b|\bb\.(?=[ ]?\d)|\bgeb\b|\bgeb\.(?: am)?"
    r"|geboren|geburtsdatum|geburtstag|\bgeb-?dat"
    r"|\bn[ée](?:e|\(e\)|\.e)? le|naissance|anniversaire|\bnacid[oa]s?\b|nacimiento|nac[ií][oó]?\b"
    r"|fec(?:ha)?\.? ?(?:de )?nac\w*"
    r"|\bnat[oa]\b(?: (?:il|a)\b)?|nascita|nascid[oa]|nascimento|\bnasceu|\bd\.?n\.?(?=[:.])"
    r"|urodzon[yae]|urodzenia|\bur\.|urodzin\w{0,3}"
    r"|geboortedatum|\bgeb\. ?dat|verjaardag|født|fødselsdato|född|födelsedatum|syntynyt"
    r"|syntymäaika|\*(?=[ ]?\d{1,2}\.)"
)
_NO_DIGIT = r"(?=[^\n\d]{0,40}\d)[^\n\d]{0,24}?"
_AGED = (
    r"\b(?:aged?|im alter von|alter|âgée? de|[âa]ge|edad|de edad|età|idade|leeftijd|wiek|w wieku"
    r"|años|tiene|tenho|alder|ålder|ik[äa])"
)
_YEARS_OLD = (
    r"\b\d{1,3}[ \-]?(?:(?:years?|yrs?|y)[ \-]?(?:old|o)\b|y/?o\b|year-?old|jahre? (?:alt|jung)"
    r"|-?jährige?[rnsm]?\b|jaar oud|-jarige"
    r"|ans d['’]âge|años de edad|anni di età|anos de idade|år gammel|år gammal"
    r"|lat(?=[ ,.;)]?[ ]?(?:m[ęe]żczyzna|kobieta)))"
)

_PATIENT = (
    r"\bmrn|medical record(?:s)?(?: (?:number|no\.?|#))?|patient(?:en|s)?[ \-]?(?:id|number|no\.?"
    r"|nr|nummer|#|file)|patient ?n[°o]|hospital (?:number|no\.?)"
    r"|chart (?:number|no\.?|#)|fallnummer|krankenaktennummer|aufnahmenummer|num[ée]ro (?:de "
    r"|du )?patient|dossier (?:patient|m[ée]dical)"
    r"|historia cl[íi]nica|n[úu]mero de historia|cartella clinica|prontu[áa]rio|pati[ëe]ntnummer"
    r"|numer pacjenta|\bipp\b|\bnhc\b"
)
_INSURED = (
    r"(?:insurance|policy|member(?:ship)?|subscriber|group|medicaid|health plan|beneficiary"
    r"|claim)[ \-]?(?:id|number|no\.?|nr\.?|#)|insurance (?:policy|card)"
    r"|versicherungs(?:schein|policen?)?-?(?:nummer|nr)|policen?-?(?:nummer|nr)"
    r"|mitglieds?-?(?:nummer|nr)|num[ée]ro d['’](?:assur[ée]e?|adh[ée]rent|allocataire)"
    r"|police (?:n[°o]|num[ée]ro)|p[óo]liza(?: n[úu]mero| n[º°o]\.?)?|n[úu]mero de (?:p[óo]liza"
    r"|socio|afiliado)|polizza(?: n\.?| numero)?|ap[óo]lice"
    r"|polis-?(?:nummer|nr)|lidmaatschapsnummer|verzekerdennummer|numer polisy"
    r"|frequent flyer(?: (?:number|no\.?|#))?|loyalty (?:number|card|no\.?)"
    r"|(?:kundenkarte|miles ?(?:&|and) ?more)"
)
_CUSTOMER = (
    r"(?:customer|client|cust|user|employee|staff|personnel|student|pupil|applicant|candidate"
    r"|citizen|voter|case|file|contract|subscriber|national|tax|benefits?|alien|visa"
    r"|matriculation|badge|payroll)[ \-_]?(?:id|number|no\b\.?|nr\b\.?|#)"
)
_KUNDE = (
    r"kunden?-?(?:nummer|nr)|vertrags?-?(?:nummer|nr|konto)|aktenzeichen|personal-?(?:nummer|nr)"
    r"|mitarbeiter-?(?:nummer|nr)|matrikel-?(?:nummer|nr)|\baz\.?:|gesch[äa]ftszeichen"
    r"|num[ée]ro (?:de )?(?:client|contrat|dossier|[ée]tudiant|matricule)|n[°o] (?:de )?(?:client"
    r"|contrat|dossier)"
    r"|r[ée]f[ée]rence client|n[úu]mero de (?:cliente|empleado|expediente|contrato)"
    r"|n[º°] (?:de )?(?:cliente|expediente)|expediente(?: n[úu]mero| n[º°])?"
    r"|(?:numero|codice|n\.) (?:cliente|pratica|contratto|utente)|n[úu]mero d[eo] (?:cliente"
    r"|processo|contrato|aluno)|klant-?(?:nummer|nr)|dossier-?(?:nummer|nr)"
    r"|personeelsnummer|studentnummer|numer (?:klienta|umowy|sprawy)|nr klienta|sygnatura akt"
    r"|green card(?: (?:number|no\.?))?|resident permit"
)
_FILE = r"aktenzeichen|gesch[äa]ftszeichen|\baz\b\.?"
_ID = (
    r"(?:id|identity|identification)[ \-]?(?:card )?(?:number|no\.?|nr\.?)"
    r"|national id(?:entity)?(?: (?:number|no\.?|card))?|ausweisnummer|num[ée]ro d['’]identit[ée]"
    r"|documento de identidad|n[úu]mero de (?:identificaci[óo]n|documento)|numero (?:di )?documento"
)
_NUMBER = (
    r"(?=(?:[A-Z \-/.]{0,5}\d){4})(?:[A-Z]{1,5}[ \-/]?)?[A-Z0-9]{0,8}\d[A-Z0-9]{0,16}(?:[\-/.][A-Z0-9]{1,10}){0,4}"
    r"(?: \d{2,4}(?![^\W_]|[.,:]\d)){0,3}"
)
_MENTION = r"[A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28})[A-Za-z0-9_]"
_NETWORKS = (
    r"twitter|instagram|insta|\big\b|tiktok|telegram|snap(?:chat)?|mastodon|bluesky|github|gitlab"
    r"|reddit|discord|linkedin|facebook|youtube|twitch|skype"
)
_PROFILE = (
    r"(?:https?://)?(?:www\.)?(?:(?:twitter|x|instagram|facebook|tiktok|github|gitlab|t|vk)\.(?:com|net|me)/@?"
    r"|linkedin\.com/in/|reddit\.com/(?:u|user)/|youtube\.com/@|medium\.com/@)"
)


def rows() -> list[Row]:
    return [
        after("DATE_OF_BIRTH", "birth date", _BIRTH, _DATE, gap=_NO_DIGIT),
        Row(
            "DATE_OF_BIRTH",
            "birth date before its word",
            rf"\b(?:{_DATE})(?=[ ]?\((?:dob|born|geb|né|nac|nato|ur)\b)",
            0.75,
        ),
        after(
            "AGE",
            "age after its word",
            _AGED,
            r"(?:1[01]\d|[1-9]\d|\d)(?![.,]?\d|[ ]?%)",
            gap=r"[ \t:=\"']{1,4}(?:of |is |de |von )?",
        ),
        Row("AGE", "age in years", _YEARS_OLD, 0.75),
        after("MEDICAL_RECORD", "patient's number", _PATIENT, _NUMBER, gap=LABEL_GAP),
        after("MEMBER_NUMBER", "insured person's or member's number", _INSURED, _NUMBER, gap=LABEL_GAP),
        after("CUSTOMER_NUMBER", "customer's number", _CUSTOMER, _NUMBER, gap=LABEL_GAP),
        after("CUSTOMER_NUMBER", "customer's number in other languages", _KUNDE, _NUMBER, gap=LABEL_GAP),
        Row("CUSTOMER_NUMBER", "Aktenzeichen", keyed(_FILE, r"\d{1,4} [A-Za-z]{1,4} \d{1,6}/\d{2,4}", LABEL_GAP), 0.75),
        after("ID_NUMBER", "number of an identity document", _ID, _NUMBER, gap=LABEL_GAP),
        after(
            "USERNAME",
            "handle on a network",
            rf"(?:{_NETWORKS})(?: (?:handle|account|profile|user(?:name)?|id|name))?",
            rf"@{_MENTION}",
            gap=r"[ \t:=(\"']{1,3}(?:is |as |ist |est |es |at )?",
        ),
        after(
            "USERNAME",
            "user name",
            r"user ?name|user-name|login(?: name)?|benutzername|nutzername|nom d['’]utilisateur|pseudo"
            r"|identifiant|nombre de usuario|usuario"
            r"|nome utente|nome de usu[áa]rio|usu[áa]rio|gebruikersnaam|nazwa u[żz]ytkownika|handle"
            r"|screen ?name|gamertag",
            rf"@?(?!name|user|admin|root|none|null|true|false|string|str\b"
            rf"|password)(?:{_MENTION})(?<=[\d_.\-][A-Za-z0-9_]{{0,20}})(?![\w.]{{0,30}}\()",
            gap=r"[\"']?[ \t]{0,3}(?:[:=]|is|ist|est|es|è|é|jest)[ \t]{0,3}[\"']?",
        ),
        Row("USERNAME", "address of a profile", rf"\b{_PROFILE}\K{_MENTION}(?![/\w.\-])", 0.6),
        Row(
            "USERNAME",
            "handle with its sign",
            keyed(
                r"(?:follow|dm|ping|contact|tag|folgt|suivez|sigue|segui|siga|volg) (?:me |us |mir |moi |him "
                r"|her )?(?:at |on |bei |op |su )?",
                rf"@{_MENTION}",
                "",
            ),
            0.6,
        ),
    ]
