"""Words that recognizers of names take for names, in lower case. Modest on purpose: what is doubtful is not here."""

from __future__ import annotations

from gateway.redact.conversation.common import CALENDAR as ALL_MONTHS_AND_DAYS

MONTHS_AND_NAMES = frozenset(
    "april may june august mai juni juli julio julia mars mart abril avril juin agosto".split()
)
"""Months that are names too, in one language or another."""
CALENDAR = ALL_MONTHS_AND_DAYS - MONTHS_AND_NAMES - {"domingo", "domenica", "august", "augustus"}
PRONOUNS = frozenset(
    """i you he she it we they me him her us them my your his its our their this that these those who what which the a
    an ich du er sie es wir ihr je tu il elle nous vous ils elles yo tú él nosotros io lei eu ele
    nós ik jij hij zij wij ja on wy oni""".split()
)
PRODUCTS = frozenset(
    """python javascript typescript java kotlin golang rust fortran cobol matlab docker dockerfile kubernetes linux
    ubuntu debian fedora centos windows macos android ios excel powerpoint word outlook github gitlab bitbucket
    terraform ansible postgres postgresql mysql mariadb sqlite mongodb redis elasticsearch kibana grafana prometheus
    nginx tomcat numpy pandas pytorch tensorflow keras jupyter react angular vue svelte nextjs node nodejs express
    spring bootstrap tailwind webpack vite eslint pytest junit hadoop spark airflow rabbitmq graphql openapi swagger
    postman latex markdown json yaml toml xml html css sql nosql http https ssh tcp udp dns vpn api sdk cli gui ide
    cpu gpu ram ssd usb pdf csv utf ascii unicode regex oauth jwt saml ldap smtp imap tls ssl aws azure gcp chatgpt
    gpt llama bert llm openai photoshop firefox chrome safari bluetooth wifi instagram whatsapp youtube tiktok
    netflix spotify playstation xbox nintendo minecraft todo fixme iphone ipad ebay null none
    nan true false undefined void readme
    changelog makefile nil varchar unique serial pipefail stdin stdout stderr sudo npm yarn webhook
    localhost async await boolean""".split()
)
"""Products, formats and constants. As an organisation's name they stay a finding."""
PRODUCTS_AND_NAMES = frozenset(
    """jenkins ruby julia ada cassandra kafka swift travis oracle apache mercury jordan django hudson pascal haskell
    perl flask scala elixir erlang clojure dart groovy maven gradle jasmine mocha jest cypress celery lucene solr
    neo4j confluence jira salesforce hana delphi eiffel venus saturn jupiter pluto titan europa phoenix sage claude
    gemini alexa siri cortana""".split()
)
"""Names of somebody as well: harmless only where the talk is technical."""
GENERIC = frozenset(
    """introduction summary overview conclusion conclusions background abstract appendix contents table figure chapter
    section description usage installation requirements features example examples getting started quick start guide
    tutorial reference references documentation faq notes note warning important tip license contributing changelog
    results discussion methods materials acknowledgements task tasks goal goals steps step instructions question
    answer input output prompt response context system assistant user users human role content message messages name
    names first last email phone address date time title subject dear hello hi hey thanks thank best kind warm
    regards sincerely greetings cheers please sorry yes no ok okay lorem ipsum dolor sit amet foo bar baz qux world
    new old test demo sample and or of the a an to for with in on einleitung zusammenfassung überblick inhalt
    inhaltsverzeichnis anhang beispiel beispiele hinweis aufgabe frage antwort mit freundlichen grüßen grüssen gruss
    viele
    liebe herzliche gruß hallo danke bitte guten tag morgen abend sehr geehrte geehrter damen herren vorname
    nachname kunde kundin betreff résumé sommaire annexe exemple exemples bonjour merci cordialement madame monsieur
    nom prénom objet resumen introducción ejemplo ejemplos hola gracias saludos atentamente estimado estimada señor
    señora nombre apellido asunto introduzione riepilogo esempio esempi ciao grazie cordiali saluti nome cognome
    oggetto introdução resumo exemplo olá obrigado obrigada atenciosamente assunto sobrenome samenvatting voorbeeld
    bedankt groeten vriendelijke met beste voornaam achternaam onderwerp wstęp podsumowanie przykład dzień dobry
    dziękuję pozdrawiam pozdrowienia imię nazwisko temat""".split()
)
"""Words of headings, forms, greetings and fillers."""
