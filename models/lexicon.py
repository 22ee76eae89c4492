"""Common English words from which the training draws meaningless sentences, so that no wording is unknown."""

from __future__ import annotations

from typing import Final


def bank(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


COMMON: Final = bank(
    """
a able about above across act add afraid after afternoon age ago agree air alarm all allow almost along
also among amount and angry animal another any anybody apart apple area arm around arrive art as aside ask
asleep at attention aunt avoid away baby back bad balance ball band bank bar basket bath bean bear beat
beautiful because become bed before begin behind believe bell belong below bend beneath beside best better
between beyond big bird birth bit bite bitter black blame blank blood blow board boat body bone borrow
both bother bottle bottom bowl boy branch brave break breath bright bring brother brown brush build bunch
burn bus business busy but butter button by cake calm camera camp can cancel candle carpet carry castle
catch cause cave ceiling cellar centre certain chain chance cheek cheese chest chicken choice choose
church circle clay clerk climb clock cloth cloud club coal coast coat cold collar collect come comfort
common compare complete concern condition control cook cool copper corner correct cotton cough could count
country couple courage cousin cover cow crack cream cross crowd cry cup cupboard curious curtain custom
cut daily damp dance danger dark daughter dead deaf dear debt deep degree demand depend describe desert
design desire despite detail develop did die difference difficult dig dirty discover dish distance ditch
divide do dog doubt down draw dream dress drink drop dry duck due dull during dust duty each ear earn
earth east easy eat edge effect effort egg eight either elbow electric eleven else empty end enemy enjoy
enough enter equal even evening event ever every everybody everything evil exact example except excuse
exercise exist expert explain express extra eye face fact fail fair faith fall false fancy far farm
fashion fast fat father fault favour fear feather feed feel fellow fence few field fight figure fill film
find fine finger fire fish fit five fix flag flame flat flesh float flood floor flour flower fly fold
follow food fool foot for force foreign forest forgive fork forward four fox frame freeze fresh friday
friend from frost fruit fry fun funny fur furniture further future gain game gate gather general get gift
girl give glad glass glove go goat gold good grain grand grass grateful grave great ground group grow
guard guess gun habit hair half hall hammer hand handle hang happen happy harbour hard hardly harm harvest
hat hate have he head health hear heart heat height hello help her here hide high hill him his hit hold
hole holy home honey hook hope horn horse hospital hour house how however huge human humble hundred hungry
hunt hurry hurt husband ice idle if ill in increase indeed ink insect inside instead interest into invite
iron island it item its jacket jam jealous jewel join joke journey joy judge juice jump just keen keep
kettle kick kill kind king kiss knee knife knock knot know knowledge ladder lady lake lamb land language
large last laugh law lazy lead leaf lean learn least leather leave left leg lend length less lesson let
level lid lie lift like limb limit line lion lip liquid listen little live loaf loan lock log lone look
loose lord lot love low luck lump lung mad magic main make male man manner many march mark marriage mass
master match matter may maybe me meal mean measure meat medicine melt memory mend mention merry metal
middle might mild mile milk mill mind mine minute mirror miss mist mix model modern moment monday money
monkey month mood moon more morning most mother motion mountain mouse mouth move much mud music must my
myself nail name narrow nation nature near neat neck need needle neither nephew nest net never
nevertheless news nice night nine no nobody noise none noon nor north nose not nothing now nurse nut oak
obey object ocean odd of off offend often oil on once one onion only opposite or orange other ought our
out oven over owe own owner pack page pain pair pale pan paper parent park part pass past path patience
pattern pause pay peace pearl pen pencil people pepper perfect permit pet piano pick piece pig pile pin
pink pipe pity place plain plane plant plate play please plenty plough pocket poem point poison pole pool
poor position possible post pot potato pour powder power praise pray pretty prevent prize proof proud
prove pull pump punish pupil pure purple purpose push put puzzle queen queue quite rabbit race rain raise
rare rat rather raw reach read ready real reason recent red regard regret remain remember remind rent rest
result rice rich ride right ring ripe rise risk roast rob rock rod roll root rope rough round row royal
rub rubber rude rule run rush rust sad safe sail salt same sand satisfy sauce save saw say scale scatter
school scissors scratch screen screw sea search season seat second see seed seem seize seldom self send
sense serve set settle seven several shade shadow shake shall shallow shame shape sharp shave she sheep
sheet shelf shell shelter shine ship shirt shock shoe shoot shore should shoulder shout shut sick side
sight silence silk silver simple since sing sink sister sit six skill skin skirt sky sleep slide slight
slip slope smell smile smoke smooth snake snow so soap society sock soft soil soldier solid some somebody
something son song sore sorry sort soul sound sour south space speak speed spell spend spill spin spirit
spite split spoil spoon sport spot spread spring stage stain stair stand star state stay steal steam steel
steep stem step stick stiff still sting stir stomach stone storm story straight strange straw stream
stretch strike string strip strong student study stupid such sudden suffer sugar suit summer sun sunday
supper supply support suppose surface surprise swallow sweep sweet swell swim swing sympathy system table
tail take talk tall tame taste tea teach tear tell ten tend tent terrible than thank that the their them
themselves then there these they thick thief thin thing think third thirst this thorn thorough those
though thousand thread threat three throat through throw thumb thunder thursday thus tide tidy tie tight
till timber time tin tip tired title to toast tobacco toe together tomorrow tongue tonight too tooth top
total touch towards towel tower toy track trade translate trap tray treasure treat tree tremble tribe
trick trouble true trunk trust truth try tube tuesday tune turn twelve twist two type ugly umbrella uncle
under understand union unit universe unless until up upon upper upset us use usual valley value vegetable
veil very vessel victory view village violent virtue voice vote voyage wage waist wait wake walk wander
want war warm wash waste watch wave wax way we weak wealth wear wednesday weed week weigh welcome well
west wet what whatever wheat wheel when where whether which while whip whisper whistle white who whole
whom whose why wicked wide wife wild will win wind wine wing winter wipe wire wisdom wise wish with within
without wolf woman wonder wood wool word work world worm worry worse worth would wound wrap wreck wrist
wrong yard year yellow yes yet you young your youth zero
"""
)
