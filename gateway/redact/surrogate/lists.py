"""The words of which stand-ins are made: names by language, invented places and companies.

All are plain letters, so that no notation (JSON, HTML, addresses) writes them in another way, and none is an everyday
word of its language, so that a model seldom writes one of its own accord. Every text is read once, at import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one language: given names of women and of men, and family names."""

    women: tuple[str, ...]
    men: tuple[str, ...]
    families: tuple[str, ...]


def _names(women: str, men: str, families: str) -> Names:
    return Names(tuple(women.split()), tuple(men.split()), tuple(families.split()))


NAMES: Mapping[str, Names] = {
    "en": _names(
        "Alison Bridget Cassandra Deborah Eleanor Felicity Gwendolyn Harriet Imogen Jocelyn Kimberley Lorraine "
        "Maureen Philippa Rosalind Tabitha",
        "Alistair Bradley Clifford Desmond Edmund Fergus Gregory Howard Jasper Kenneth Leonard Malcolm Nigel Percival "
        "Roderick Stuart",
        "Ainsworth Bancroft Callaghan Dunmore Ellington Fairbanks Gallagher Hathaway Jameson Kingsbury Langford "
        "Mansfield Norwood Ormsby Pemberton Rainsford Stanhope Thackeray Underhill Wexford Aldridge Braddock "
        "Cunningham Davenport Entwistle Fitzroy Goodwin Hexham",
    ),
    "de": _names(
        "Annegret Brigitte Dagmar Elfriede Friederike Gisela Heidrun Ingeborg Karoline Liesel Marlene Nadine Roswitha "
        "Sieglinde Ulrike Waltraud",
        "Albrecht Burkhard Dietmar Eckhart Friedhelm Gerhard Helmut Ingolf Joachim Konrad Lothar Manfred Norbert "
        "Reinhard Siegfried Volkmar",
        "Altenburg Brandstetter Dorfmann Eberhardt Falkenstein Gruber Hagedorn Immelmann Jankowitz Kirchner Lindemann "
        "Mayrhofer Niemann Ostermann Pfeiffer Rosenthal Steinmetz Trautmann Uhlmann Vollmer Wagenknecht Ziegler "
        "Achterberg Baumgart Diekmann Engelhardt Fahrenholz Grunwalder Hallstein",
    ),
    "fr": _names(
        "Adeline Blandine Clothilde Delphine Emmanuelle Fabienne Ghislaine Hortense Isabelle Josiane Laurette "
        "Mireille Nathalie Odile Pascaline Solange",
        "Armand Bertrand Christophe Dorian Etienne Fabrice Gaston Hugues Jocelin Lucien Maxime Nicolas Octave "
        "Philippe Raoul Thierry",
        "Arnaud Beaumont Chevallard Delatour Fontaine Garnier Humbert Jourdan Lacombe Marchand Noiret Perrault "
        "Rousselle Sabatier Tessier Vasseur Bonnefoy Charpentier Dubreuil Escoffier Fournel Gaillard Hauteville "
        "Lemaire Montclair Pelletier Renaudin Thibault",
    ),
    "es": _names(
        "Adelaida Beatriz Catalina Dolores Esperanza Fernanda Graciela Herminia Inmaculada Josefina Leticia "
        "Montserrat Natividad Pilar Remedios Soledad",
        "Alfonso Baltasar Cristobal Domingo Esteban Fernando Gonzalo Hernan Ignacio Joaquin Lisandro Mauricio Nicanor "
        "Rodrigo Severino Vicente",
        "Aguilar Benavides Cerezo Dominguez Escobar Figueroa Guerediaga Hinojosa Ibarra Jaramillo Lozano Maldonado "
        "Navarrete Olivares Palomares Quintero Robledo Salaberria Tejada Urrutia Valdivia Zamora Alcantara Barrientos "
        "Calderon Echeverria Gallardo Mondragon",
    ),
    "it": _names(
        "Alessia Benedetta Carlotta Donatella Eleonora Federica Giovanna Ilaria Loredana Mariella Ornella Patrizia "
        "Raffaella Silvana Tiziana Viviana",
        "Adriano Beniamino Corrado Domenico Ernesto Fabrizio Gianluca Ippolito Leandro Massimo Ottavio Pasquale "
        "Raimondo Salvatore Tommaso Umberto",
        "Albertini Bellandi Castellani Dellarovere Esposito Fiorentino Gallotti Locatelli Mancuso Nicolosi Orlandini "
        "Pellegrini Quaranta Ravelli Santoro Tagliaferri Valentini Zanetti Accardi Bertolini Colonnese Ferrante "
        "Giordano Lombardi Marchetti Passarelli Rinaldini Vitaletti",
    ),
    "pt": _names(
        "Anabela Branca Celestina Deolinda Eduarda Filomena Guilhermina Henriqueta Jacinta Lurdes Madalena Noemia "
        "Otilia Raquel Susana Teresinha",
        "Afonso Bernardo Caetano Duarte Eusebio Frederico Gaspar Henrique Jorge Leonel Marcelo Norberto Osvaldo "
        "Rogerio Serafim Valdemar",
        "Abrantes Barbosa Carvalho Dantas Esteves Figueiredo Guimaraes Junqueira Lacerda Magalhaes Nogueira Pimentel "
        "Queiroz Rebelo Sampaio Teixeira Vasconcelos Azevedo Brandao Cardoso Damasceno Falcao Gouveia Macedo Noronha "
        "Pacheco Saldanha Tavares",
    ),
    "nl": _names(
        "Annelies Berendina Corrie Dieuwertje Everdina Femke Gerda Hendrika Ineke Jantien Liesbeth Marijke Nelleke "
        "Saskia Truus Willemijn",
        "Adriaan Bartel Cornelis Dirkjan Evert Floris Gerrit Harmen Jelle Klaas Lodewijk Maarten Pieter Roelof Sjoerd "
        "Teunis",
        "Aalbers Bakhuizen Coolhaas Dekkers Elzinga Feenstra Goossens Hoekstra Jongeneel Kuipers Lammers Meulenbelt "
        "Noordhof Oosterhuis Postma Roozendaal Schipper Terpstra Uitterdijk Veenstra Wiersma Zijlstra Bolhuis "
        "Dijkgraaf Hamelink Kloosterman Nijboer Wolthuis",
    ),
    "pl": _names(
        "Agnieszka Bogumila Czeslawa Danuta Elzbieta Franciszka Grazyna Halina Irena Jadwiga Krystyna Ludmila "
        "Malgorzata Stanislawa Urszula Zdzislawa",
        "Andrzej Boleslaw Czeslaw Dariusz Eugeniusz Grzegorz Henryk Ireneusz Jaroslaw Krzysztof Leszek Mieczyslaw "
        "Przemyslaw Ryszard Slawomir Zbigniew",
        "Adamczyk Bielawski Czarnecki Dabrowiecki Gorecki Jasinski Kaczmarek Laskowski Majewski Nowicki Olszewski "
        "Pawlowski Rutkowski Sawicki Tomczak Urbanski Walczak Zawadzki Baranowski Chmielewski Domanski Grabowski "
        "Jablonski Krajewski Lisiecki Marciniak Sobolewski Wisniewiecki",
    ),
    "ru": _names(
        "Алевтина Валентина Галина Евдокия Зинаида Клавдия Людмила Маргарита Надежда Раиса Тамара Ульяна",
        "Аркадий Вениамин Геннадий Дмитрий Евгений Игнатий Константин Леонид Никифор Прохор Савелий Тимофей",
        "Абросимов Богданов Веденеев Городецкий Давыдов Ермолаев Журавлёв Золотарёв Калинин Лаптев Мещеряков "
        "Никифоров Панкратов Рыбаков Савельев Третьяков",
    ),
    "el": _names(
        "Αγγελική Βασιλική Δήμητρα Ευαγγελία Θεοδώρα Καλλιόπη Μαργαρίτα Παρασκευή",
        "Αριστείδης Γεράσιμος Διονύσης Επαμεινώνδας Θεόφιλος Κλεάνθης Μιλτιάδης Σταμάτης",
        "Αγγελόπουλος Βλαχάκης Γαλανός Δρακόπουλος Ζερβάκης Κατσαρός Μαυρίδης Παπαδάκης Ραγκαβής Τσακίρης",
    ),
}

PLACES: tuple[str, ...] = tuple(
    (
        "Ashbourneton Brackenfield Caldermoor Dunwickham Elderbrook Fernhollow Glenharrow Hawksmere Ivybridgeton "
        "Juniperford Kestrelby Larkhaven Marlowstead Netherwick Oakenshire Penhaven Quillbury Ravenscombe Silverleigh "
        "Thornwick Umberdale Violetmere Willowstead Yarrowby Alderhausen Birkenfels Dornbachtal Eichenrode Falkenhain "
        "Greifenau Hollerbruck Kaltenwald Lindenrode Mohrenfels Nebelbach Ostergrund Rabenfurt Schwanental Tannenrode "
        "Ulmenbrunn Weidenfels Beauclair Chantelune Fontebrune Grisemont Lavallier Montferrault Rochebrune Valdoree "
        "Belmontello Castelverno Fiumara Montelungo Pietralba Rivasecca Villafiora Aldeanuela Campoverde Montesol "
        "Puertoclaro Valdehondo Villarrosa Brodkowice Jasnogora Kamionkowo Lipnowice Zielonkowo Duinrecht Heidebroek "
        "Klaverdam Lindezwaag Molenrijk Veldhoorn"
    ).split()
)

COMPANIES: tuple[str, ...] = tuple(
    (
        "Abrevanta Bolkarion Cendrivo Dalmorix Elvantis Fornavik Galdrena Hexalore Inverdane Jolmaris Kevarion "
        "Lumendra Morvaxis Nordelium Orvantia Pelmarko Quorvena Rastelion Solvendra Tarkonis Ulvarento Vexamund "
        "Wolmarist Xandriva Yorvanta Zelmorian Ambrolith Brixalon Corvindel Dravonium Esterlok Frivanto Grenolux "
        "Halvendo Ismarion Kordavant Lorvista Melkandra Novardis Oskarium Prevalon Rimondal Sturvena Teldorix "
        "Uvarento Velcoria Wendarik Zorimant"
    ).split()
)

LEGAL_FORMS: frozenset[str] = frozenset(
    (
        "gmbh ag kg ug ohg ev inc incorporated ltd limited llc llp plc corp corporation co company sa sas sarl srl "
        "spa bv nv oy ab as aps sl lda ltda sp zoo group holding bank"
    ).split()
)
TITLES: frozenset[str] = frozenset(
    "mr mrs ms miss mx dr prof professor sir lady lord dame madam herr herrn frau fräulein hr fr mme mlle madame "
    "monsieur maître señor señora señorita sr sra srta don doña signor signora sig dott dottor dottoressa ing senhor "
    "senhora dona pan pani meneer mevrouw dhr mevr jr sen ii iii iv phd md esq г господин госпожа".split()
)
PARTICLES: frozenset[str] = frozenset(
    "von van vom zum zur der den ten ter de del della di da das do dos du la le los las al el bin ibn bint ben abu y e "
    "i und and et zu af av d".split()
)
MAILBOXES: tuple[str, ...] = tuple(
    "info office contact mail hello support sales admin team service post kontakt buero webmaster billing".split()
)
