"""Words that are names and everyday words both, in eight languages, and what tells the two apart.

A person called Will Rose must not make every "will" and every "rose" of a conversation a secret: such words count as
names only where they stand like one.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import spacy


def _stop_words(language: str) -> frozenset[str]:
    """spaCy's, read from their file: importing French compiles its tokenizer, which takes two seconds."""
    path = Path(spacy.__file__).parent / "lang" / language / "stop_words.py"
    return frozenset(runpy.run_path(str(path))["STOP_WORDS"])


_STOP_WORDS = frozenset[str]().union(*map(_stop_words, ("en", "de", "fr", "es", "it", "pt", "nl", "pl")))
CALENDAR = frozenset(
    """january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday januar februar märz mai juni juli oktober dezember montag dienstag mittwoch
    donnerstag freitag samstag sonntag janvier février mars avril juin juillet août septembre octobre novembre décembre
    lundi mardi mercredi jeudi vendredi samedi dimanche enero febrero marzo abril mayo junio julio agosto octubre
    lunes martes miércoles jueves viernes sábado domingo gennaio aprile maggio giugno luglio settembre ottobre
    dicembre janeiro março maio junho julho setembro outubro novembro dezembro maart mei augustus today tomorrow
    """.split()
)
PARTICLES = frozenset(
    """von van vom zum zur der den ten ter de del della di da das do dos du des la le los las al el bin ibn bint ben
    abu y e i und and et zu af av st saint san santa mac mc""".split()
)
TITLES = frozenset(
    """mr mrs ms miss mx dr prof sir lady lord dame madam herr frau fräulein hr fr herrn mme mlle madame monsieur m
    mademoiselle sr sra srta señor señora don doña sig signor signora signorina dott dottore senhor senhora pan pani
    pana panu dhr mevr mevrouw meneer heer patient pat witness captain cpt sgt officer judge professor doctor doktor
    uncle aunt auntie tante onkel hi hello hey dear thanks hallo liebe lieber danke cher chère bonjour merci hola
    querido querida gracias estimado estimada ciao caro cara gentile olá oi prezado prezada obrigado beste dag cześć
    drogi droga by from with and named called ich je my regards cheers yours gruß grüße cordialement saludos""".split()
)
_DETERMINERS = frozenset(
    """the a an this that these those my your his her its our their some any no every each der die das
    den dem des ein eine einen einem einer eines dieser diese dieses kein keine mein meine im am zum zur le la les un
    une des ce cette mon ma el los las una unos este esta mi il lo gli uno questo questa o os as um uma esse essa het
    een dit dat deze ten ta""".split()
)
_EVERYDAY = frozenset(
    """art ash amber angel autumn baker banks bath bay bean bear beach bell best bill bird bishop black blue bond bow
    box brand brook brooks brown buck bud burn bush butler can carpenter carter case cash chance charity chase chip
    church clay clean cliff close cloud clove cook cooper cord cork cotton crane crisp cross crow cruz cup dale dash
    data dawn day dean dick dig dollar dove drum duke early east eve faith fall farmer fawn fern field finch fish
    fisher flint flower forest forrest fox frank free freeman french friend frost gale garden gay ginger glass gold
    good grace grand grant gray green grey ground grove guy hall ham hand hardy harp hart harry hawk hay hazel head
    heart heath hill home hood hope horn house hunt hunter ice iris iron ivory ivy jade jay jean jewel job joy
    judge just key king knight lake lamb lance land lane lark laurel law leaf lee light lilac lily little lock long
    lord love low luck mace major mark marks marsh mason mayor may mead mercy merit mile miles mill miller mills min
    mint monk moon more moss mount nice noble noon north nose novel nurse oak ocean olive olympia page pan park
    parker parks parrot patience pearl penny pepper pierce pike pine plant pole pool poppy porter post potter power
    price priest prince prudence pure queen rain ray read reading real red reed reef rice rich ring rip river rob
    rock rocky rod root rose rowing rusty ruby rush rust sage sail salt sandy sky saint sand savage scarlet sea seal
    shade sharp shell shepherd shore short silver singer skip small smart snow sol song soul south spark sparks spear
    spike spring stark star steel stern stone storm strange street strong sue summer sun swan sweet swift tailor tee
    temple thorn tiger time tin tips town tree trip trinity true turner turkey valley van vale victory violet
    wade walker wall wallet ward ware warm waters way weaver weeks wells west wheat wheeler white wild will willow
    win winter wise wolf wood woods word worth wren yard york young apple target orange mobile china poland cuba
    amazon gap visa square block unity oracle python java contact support sales office team order client customer
    user name first last full regards sincerely hello thanks please doctor patient manager company road avenue email
    phone address number card account date birth admin test example mother father sister brother boss husband wife
    son daughter adler bach bauer baum becker berg blau blum braun brot busch dorf eng engel falk feld fink fischer
    frei freund fromm fuchs garten geiger glück graf groß grün gut haas hahn hase haus heiß held herbst herr herz
    hirsch hof hund jäger jung kaiser kalt kamm kern klein koch kohl könig kraft krank krebs kreis krieg kurz lang
    lange laut lieb licht löwe mann maurer meer meister metzger mut nacht neu ost pfarrer pfeil rabe rat recht reich
    reiter richter ritter rot sander schaf schäfer schatz schneider schön schreiber schwarz seide sommer sonne
    spiegel spitz stahl stein stolz storch strauß süß tag tal teufel vogel voll wald weber weiß werk wind winkel wirt
    zimmer zorn kunde vertrag rechnung straße aimé ange belle berger bien blanc blanche bois bon boucher chef colombe
    constant cour dame désiré fleur fontaine fort franc gros jour juste lune maison marchand mer mignon moulin neuf
    noir parfait petit pont prêtre reine renard rivière roche roi roux royal soleil tour vert ville vin alegre alma
    amor ángel ángeles barba blanca blanco bello bravo bueno caballero cabello calle campo campos castillo ciudad
    cuesta delgado dulce esperanza estrella flor fuente gloria guerra guerrero hermoso iglesia jardín justo leal luna
    luz mar moreno montaña nieves olmo osa pastor paz peña pino prado río rojo rubio santo santos serena sierra
    soledad torre toro vaca valle verde victoria vida amore bella bianco bosco caldo campana casa cavalli costa croce
    felice ferro fiore fontana gatto gentile giorno grande grassi grazia leone libero luce lupo monte nero pace palma
    pane ponte porta re riva rossi rosso sala sole stella testa vento verdi viola vita volpe bela branco cordeiro
    figueira leite lobo neves prata rosa aarde appel bakker bos boom bruin de dekker goed groen groot haan heuvel
    hoek huis jong kaas kip kok koning kort kuiper leeuw mol oude peer prins roos ruiter schipper smit snel sterk vis
    visser vos vriend wal wit zee zon baran bąk biały czarny dąb dobry gołąb góra groch jasny jeleń kot kowal król
    kruk lato lis młynarz mróz niedziela orzeł pająk ptak róża rak rybak sikora sokół sowa szewc wilk wiśnia wrona
    zając zima złoty""".split()
)
FUNCTION_WORDS = frozenset(word.casefold() for word in PARTICLES | TITLES | _DETERMINERS | _STOP_WORDS)
COMMON = FUNCTION_WORDS | frozenset(word.casefold() for word in _EVERYDAY | CALENDAR)
_WORD = re.compile(r"[^\W_]+")
_BEFORE = re.compile(r"([^\W\d_]+)([.,;:]?) $")


def stands_as_name(text: str, start: int) -> bool:
    """Whether the word at `start` must be a name: capitalised within a sentence, after no article, or after a title.

    Looks at the 24 characters before it.
    """
    if not text[start].isupper():
        return False
    before = _BEFORE.search(text[max(0, start - 24) : start])
    if before is None:
        return False
    word, mark = before.groups()
    known = word.casefold()
    if known in TITLES and mark in ("", "."):
        return True
    if mark in (".", ":", ";") or known in _DETERMINERS:
        return False
    named = _WORD.match(text, start)
    return word.islower() and named is not None and named[0].casefold() not in CALENDAR
