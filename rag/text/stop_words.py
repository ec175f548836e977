"""Function words and question words that a query does not search for, without their accents."""

from typing import Final

_PORTUGUESE: Final = """
    a as o os um uma uns umas ao aos da das de do dos em na nas no nos num numa nuns numas pela pelas pelo
    pelos per por para pra pro com sem sob sobre entre ate apos ante desde contra perante durante segundo
    conforme d e ou nem mas porem contudo todavia entretanto portanto pois porque porquanto que se como
    quando enquanto embora caso logo assim tambem ainda ja so apenas muito muita muitos muitas mais menos
    tao tanto tanta tantos tantas pouco pouca poucos poucas todo toda todos todas tudo algum alguma alguns
    algumas nenhum nenhuma outro outra outros outras cada qualquer quaisquer mesmo mesma mesmos mesmas
    nada algo alguem ninguem eu tu ele ela eles elas voce voces vos me mim te ti lhe lhes si comigo
    consigo nosso nossa nossos nossas meu minha meus minhas teu tua teus tuas seu sua seus suas dele dela
    deles delas este esta estes estas esse essa esses essas aquele aquela aqueles aquelas isto isso aquilo
    deste desta destes destas desse dessa desses dessas neste nesta nestes nestas nesse nessa nesses
    nessas disto disso nisto nisso daquele daquela naquele naquela ser sao era eram foi foram fosse fossem
    seja sejam sera serao seria seriam sendo sido somos fui estar estao estava estavam esteve estiveram
    esteja estejam estou estamos ter tem tinha tinham teve tiveram tenha tenham tera terao teria teriam
    tendo tido tenho temos haver ha havia houve haja havera pode podem podia podiam podera poderao poderia
    poderiam deve devem devia deviam devera deverao deveria deveriam posso devo podemos devemos vai vao ir
    faz fazer feito qual quais quem quanto quanta quantos quantas onde aonde donde cujo cuja cujos cujas
    nao sim la ali aqui ai entao depois antes agora sempre nunca quer
"""
_ENGLISH: Final = """
    a an the and or nor but if then else so than that this these those there here of in on at by for from
    to into onto upon with without within about above below under over between among through during before
    after against toward towards across along around off out up down as per via i me my mine myself we us
    our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its
    itself they them their theirs themselves one ones am is are was were be been being do does did doing
    done have has had having can could may might must shall should will would ought what which who whom
    whose when where why how whether all any both each every either neither few more most many much other
    others another some such no not none only own same too very just also again once ever never yet still
    because while until since although though however therefore thus hence s t d ll m re ve
"""
_SPANISH: Final = """
    a al el la los las lo un una unos unas de del en con sin por para sobre entre hasta desde contra segun
    durante ante bajo hacia tras mediante y e o u ni pero sino aunque porque pues que si como cuando
    mientras asi tambien aun ya solo muy mas menos tan tanto tanta tantos tantas poco poca pocos pocas
    mucho mucha muchos muchas todo toda todos todas algun alguna algunos algunas alguno ningun ninguna
    ninguno otro otra otros otras cada cualquier cualquiera mismo misma mismos mismas nada algo alguien
    nadie yo tu usted ustedes ella ellos ellas nosotros nosotras vosotros me mi mis te ti tus le les se su
    sus nos os nuestro nuestra nuestros nuestras este esta estos estas ese esa esos esas aquel aquella
    aquellos aquellas esto eso aquello es ser son era eran fue fueron sea sean sera seran seria siendo
    sido soy somos estar estan estaba estaban estuvo estoy haber ha han habia hay hubo haya he tener tiene
    tienen tenia tuvo tengo puede pueden podia podria podrian debe deben deberia hacer hace cual cuales
    quien quienes cuanto cuanta cuantos cuantas donde adonde cuyo cuya cuyos cuyas no aqui alli ahi
    entonces despues antes ahora siempre nunca
"""
_FRENCH: Final = """
    a au aux le la les l un une des de du d en dans sur sous par pour avec sans entre vers chez depuis
    pendant selon contre apres avant et ou ni mais donc or car que qu si comme quand lorsque lorsqu
    puisque puisqu ainsi aussi encore deja tres plus moins tant peu tout toute tous toutes quelque
    quelques aucun aucune autre autres chaque meme memes rien je j tu il elle ils elles on nous vous me m
    te t se s lui leur leurs moi toi soi eux mon ma mes ton ta tes son sa ses notre nos votre vos ce c cet
    cette ces cela ceci celui celle ceux celles ca y est etre sont etait etaient fut furent soit soient
    sera seront serait seraient ete etant suis es sommes etes avoir ont avait avaient eut ait aient aura
    auront aurait eu ayant ai as avons avez peut peuvent pouvait pourrait doit doivent devait devrait
    faire fait quel quelle quels quelles qui quoi dont pourquoi comment combien lequel laquelle lesquels
    lesquelles ne n pas non oui ici alors jamais toujours
"""
_GERMAN: Final = """
    der die das den dem des ein eine einen einem einer eines und oder aber denn doch sondern als wie wenn
    weil dass ob damit obwohl wahrend in im an am auf aus bei beim mit nach seit von vom zu zum zur durch
    fur gegen ohne um uber unter vor hinter neben zwischen bis ich du er sie es wir ihr mich dich sich uns
    euch mir dir ihm ihn ihnen mein meine meinen meinem meiner dein deine sein seine seinen seinem seiner
    ihre ihren ihrem ihrer unser unsere euer eure dieser diese dieses diesen diesem jener jene jenes jeder
    jede jedes jeden jedem man bin bist ist sind seid war waren gewesen wird werden wurde wurden worden
    hat haben hatte hatten habe gehabt kann konnen konnte konnten muss mussen musste soll sollen sollte
    will wollen darf durfen was wer wen wem wessen welche welcher welches welchen welchem wann wo woher
    wohin warum wieso weshalb wieviel viele nicht kein keine keinen keinem keiner auch noch nur schon sehr
    so alle allen alles andere anderen etwas nichts mehr da hier dort dann nun immer nie
"""
_ITALIAN: Final = """
    a ad al allo alla ai agli alle all da dal dallo dalla dai dagli dalle dall di del dello della dei
    degli delle dell d in nel nello nella nei negli nelle nell su sul sullo sulla sui sugli sulle sull con
    per tra fra senza verso il lo la i gli le l un uno una e ed o od ma se che come quando mentre perche
    anche ancora gia solo molto molta molti molte piu meno tanto tanta poco poca tutto tutta tutti tutte
    alcuno alcuni alcune nessun nessuno nessuna altro altra altri altre ogni qualche stesso stessa
    qualcosa nulla niente io tu lui lei noi voi loro mi ti si ci vi ne me te mio mia miei mie tuo tua suo
    sua suoi sue nostro nostra vostro vostra questo questa questi queste quello quella quelli quelle cio
    sono sei siamo siete era erano fu furono sia siano sara saranno sarebbe stato stata stati state essere
    essendo ho hai ha abbiamo avete hanno aveva avevano avere avuto abbia puo possono potrebbe deve devono
    dovrebbe fare fa chi cosa quale quali qual quanto quanta quanti quante dove cui non no qui li allora
    dopo prima ora sempre mai c
"""

STOP_WORDS: Final = {
    "pt": frozenset(_PORTUGUESE.split()),
    "en": frozenset(_ENGLISH.split()),
    "es": frozenset(_SPANISH.split()),
    "fr": frozenset(_FRENCH.split()),
    "de": frozenset(_GERMAN.split()),
    "it": frozenset(_ITALIAN.split()),
}
