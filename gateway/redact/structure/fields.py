"""Which field names announce which kind of personal data, in nine languages and in all the cases of programmers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from types import MappingProxyType

NAME_MAYBE = "PERSON?"
"""A field called just `name`: a person's only if something else says so."""
ROLE = "PERSON!"
"""A field called after what a person is, such as `patient`: its value must be written like a full name."""
_FIELDS = MappingProxyType(
    {
        "PERSON": """firstname givenname givennames forename fname lastname surname familyname lname fullname middlename
        maidenname displayname realname personname contactname customername clientname employeename patientname
        vorname nachname familienname geburtsname rufname zuname kundenname prenom nomdefamille nomcomplet nometprenom
        prenomnom nombrecompleto nombreyapellidos apellido apellidos primerapellido cognome nomeecognome nomecompleto
        sobrenome apelido ultimonome primeironome voornaam achternaam volledigenaam imie nazwisko imieinazwisko cn sn
        accountholder cardholder cardholdername kontoinhaber karteninhaber titulaire titular intestatario accountname
        nameofpatient nameofcustomer fornamn efternamn fornavn efternavn etternavn legalname authorname holdername
        rekeninghouder""",
        NAME_MAYBE: "name nom nombre nome naam nazwa fn namn navn",
        ROLE: """patient patientin customer client kunde kundin cliente klient klientka employee mitarbeiter
        mitarbeiterin
        contact contactperson kontakt ansprechpartner ansprechpartnerin sender recipient absender empfanger expediteur
        destinataire destinatario remitente mittente author autor auteur autore assignee reporter applicant bewerber
        candidate candidat tenant mieter vermieter landlord witness zeuge zeugin insured versicherter versicherte
        beneficiary attendee participant teilnehmer participants guest passenger passagier student pupil schuler parent
        guardian nextofkin emergencycontact spouse manager supervisor owner inhaber signedby preparedby requestedby
        createdby approvedby attn maintainer doctor physician arzt medecin salarie employe locataire pacjent paciente
        paziente dipendente empleado empregado werknemer pracownik billto shipto""",
        "EMAIL_ADDRESS": """email emails mail emailaddress mailaddress emailid emailadresse mailadresse correo
        correoelectronico courriel adresseemail adressemail indirizzoemail posta emailaddr enderecodeemail
        emailadres poczta adresemail epost replyto deliveredto returnpath from to cc bcc""",
        "PHONE_NUMBER": """phone phones telephone tel telefon telefono telefone telefoon fon ph phonenumber phoneno
        phonenr telephonenumber telno telnr telefonnummer telefonnumber rufnummer mobile mobil mobiel movil mobilephone
        mobilenumber mobileno mobilnummer mobiltelefon handy handynummer handynr cell cellphone cellnumber cellulare
        celular telemovel portable gsm komorka numertelefonu nrtelefonu numerodetelefono numerodetelephone
        numeroditelefono numtel fax faxnumber telefax telefoonnummer contactnumber contactno whatsapp msisdn homephone
        workphone dayphone landline festnetz facsimiletelephonenumber""",
        "LOCATION": """address addr adresse anschrift address1 address2 addressline addressline1 addressline2 street
        streetaddress strasse strassehausnummer city town stadt ort wohnort wohnhaft ville commune ciudad localidad
        poblacion citta comune cidade localidade miasto miejscowosc stad woonplaats plaats direccion domicilio indirizzo
        endereco morada adres adreszamieszkania homeaddress postaladdress mailingaddress billingaddress
        shippingaddress deliveryaddress lieferadresse rechnungsadresse residence birthplace placeofbirth geburtsort
        lieudenaissance lugardenacimiento luogodinascita geboorteplaats hometown calle rua ulica straat codepostal
        postalcode postcode zip zipcode plz postleitzahl codigopostal cap cep kodpocztowy postadresse streetname l
        ubicacion""",
        "DATE_OF_BIRTH": """dob birthdate dateofbirth birthday bday birth born geburtsdatum gebdatum geburtstag geb
        geboren geborenam datedenaissance naissance neele nele fechadenacimiento fechanacimiento fnac nacimiento
        datadinascita datanascita nascita natoil natail datadenascimento datanascimento nascimento geboortedatum
        dataurodzenia urodzony urodzona fodselsdato fodelsedatum""",
        "US_SSN": "ssn socialsecuritynumber socialsecurity socialsecurityno socsec",
        "ID_NUMBER": """passport passportno passportnumber passportnr passnummer reisepass reisepassnummer
        personalausweis personalausweisnummer ausweisnummer ausweisnr nationalid nationalidnumber idcard idcardnumber
        identitycard taxid taxnumber taxpayerid steuerid steuernummer steueridentifikationsnummer nif dni nie cpf pesel
        bsn nir nino nationalinsurancenumber insurancenumber versichertennummer versicherungsnummer krankenkassennummer
        sozialversicherungsnummer svnr rvnr codicefiscale codfiscale numerosecu numsecu securitesociale
        numerodesecuritesociale driverlicense driverslicense driverlicenseno driverslicensenumber driverlicensenumber
        fuhrerscheinnummer permis mrn medicalrecordnumber healthid nhs nhsnumber personnummer cprnr rut curp
        accountnumber accountno bankaccount bankaccountnumber kontonummer kontonr kontonumber routingnumber
        rekeningnummer numerodecuenta numeroconta licenseplate kennzeichen matricula dowodosobisty nrdowodu vin
        burgerservicenummer citizenid idnumber idno""",
        "IBAN_CODE": "iban ibannumber ibannummer",
        "CREDIT_CARD": """card cardnumber cardno ccnumber creditcard creditcardnumber ccnum cardnum pan kreditkarte
        kreditkartennummer kartennummer carte cartebancaire numerodecarte tarjeta numerodetarjeta carta cartadicredito
        cartao cartaodecredito creditcardnummer debitcard kartakredytowa numerkarty""",
        "SECRET": """password passwd pwd pass passphrase passwort kennwort motdepasse mdp contrasena clave senha
        wachtwoord haslo secret clientsecret secretkey apikey apitoken token accesstoken refreshtoken authtoken
        authorization bearer sessionid sessiontoken privatekey accesskey secretaccesskey encryptionkey pin cvv cvc""",
        "USERNAME": """username userid login loginname loginid userlogin handle nick nickname screenname benutzername
        benutzer benutzerkennung identifiant utilisateur nomdutilisateur usuario nombredeusuario utente nomeutente
        utilizador gebruiker gebruikersnaam uzytkownik nazwauzytkownika uid user samaccountname accountuser""",
        "IP_ADDRESS": """ip ipaddress ipaddr ipv4 ipv6 clientip userip remoteip sourceip srcip lastip lastloginip
        remoteaddr remoteaddress xforwardedfor xrealip clientaddress adresseip direccionip indirizzoip loginip""",
    }
)
_KINDS: MappingProxyType[str, str] = MappingProxyType(
    {name: kind for kind, names in _FIELDS.items() for name in names.split()}
)
PEOPLE = frozenset(
    """customer client user person people patient employee contact owner author sender recipient billing shipping guest
    member student tenant applicant candidate passenger attendee participant doctor teacher parent child spouse partner
    kunde kunden mitarbeiter patienten person personen nutzer benutzer ansprechpartner cliente clientes usuario usuarios
    empleado paciente persona personas utente dipendente paziente persone cliente pessoa utilizador funcionario klant
    klanten medewerker gebruiker persoon klient klienci pracownik pacjent osoba customers clients users patients
    employees contacts members students guests profile account holder beneficiary manager buyer seller insured driver
    subscriber lead leads friend friends team staff crew witness victim suspect resident residents adherent salarie
    salaries personnes personne utilisateur utilisateurs abonne assignee reporter maintainer maintainers
    authors""".split()
)
"""Words before `name`, or above it, that make it a person's."""
_TECHNICAL = frozenset(
    """mac memory wallet contract bind listen server base start end physical virtual bus device host ip bitcoin eth
    smart
    i2c register gateway broadcast multicast network proxy return storage token map design press news business css
    private public model headphone smart post credit playing video graphic sd sim score wild business python git file
    domain package product class table column field function host event cluster container image project repo repository
    branch service bucket queue topic namespace node pod volume app application module plugin method variable param
    parameter attribute property tag key index database db schema step task job stage environment env group category
    brand company organization organisation organisationseinheit store shop school university hotel city country state
    street font color theme layer icon button form screen page view template test suite case""".split()
)
"""Words before a field's name that make it a thing's."""
_CAMEL = re.compile(r"(?<=[a-zà-ÿ0-9])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPLIT = re.compile(r"[^a-z0-9]+")
_MAX_WORDS = 5
_MARKS = re.compile("[\u0300-\u036f]")
_LETTERS = MappingProxyType({ord("ß"): "ss", ord("ł"): "l", ord("Ł"): "l", ord("ø"): "o", ord("æ"): "ae"})


def words_of(key: str) -> list[str]:
    """The words of a field's name in lower case and without accents."""
    if not key.islower():
        key = _CAMEL.sub(" ", key).lower()
    if not key.isascii():
        key = _MARKS.sub("", unicodedata.normalize("NFD", key.translate(_LETTERS)))
    return [word for word in _SPLIT.split(key) if word]


def field_of(key: str) -> str | None:
    """The kind of value that a field announces: an entity type, NAME_MAYBE or ROLE; None for all other fields."""
    return kind_of(words_of(key))


def kind_of(words: Sequence[str]) -> str | None:
    """As `field_of`, for the words of a field's name."""
    words = words[-_MAX_WORDS:]
    for first in range(len(words)):
        kind = _KINDS.get("".join(words[first:]))
        if kind is not None:
            return _qualified(kind, words[first - 1] if first else "")
    return None


def _qualified(kind: str, before: str) -> str | None:
    """The kind of a field with a word before its own, such as `product` or `customer` before `name`."""
    if kind == NAME_MAYBE and before in PEOPLE:
        return "PERSON"
    if kind in (NAME_MAYBE, ROLE, "LOCATION", "CREDIT_CARD", "USERNAME") and before in _TECHNICAL:
        return None
    return kind
