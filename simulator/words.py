"""Made-up news in English, French and Arabic, assembled from our own word lists."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.chance import Dice


def _list(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split(";"))


@dataclass(frozen=True, slots=True)
class Tongue:
    """The material of one language."""

    code: str
    title: str
    who: tuple[str, ...]
    does: tuple[str, ...]
    what: tuple[str, ...]
    where: tuple[str, ...]
    when: tuple[str, ...]
    openings: tuple[str, ...]
    reasons: tuple[str, ...]
    voices: tuple[str, ...]
    stop: str = "."

    def headline(self, number: int) -> str:
        """Return the headline with this number; different numbers give different headlines."""
        parts = []
        for options in (self.who, self.does, self.what, self.where, self.when):
            number, digit = divmod(number, len(options))
            parts.append(options[digit])
        return self.title.format(*parts)

    def sentence(self, dice: Dice) -> str:
        """Return one plain sentence."""
        pick = dice.pick
        shape = dice.below(4)
        if shape == 0:
            text = f"{pick(self.openings)} {pick(self.who)} {pick(self.does)} {pick(self.what)} {pick(self.reasons)}"
        elif shape == 1:
            text = f"{pick(self.who)} {pick(self.does)} {pick(self.what)} {pick(self.where)} {pick(self.when)}"
        elif shape == 2:
            text = f"{pick(self.voices)} {pick(self.who)} {pick(self.does)} {pick(self.what)} {pick(self.reasons)}"
        else:
            text = f"{pick(self.openings)} {pick(self.who)} ({dice.below(88) + 12}) {pick(self.does)} {pick(self.what)}"
        return text[0].upper() + text[1:] + self.stop

    def paragraph(self, dice: Dice) -> str:
        """Return two to five sentences."""
        return " ".join(self.sentence(dice) for _ in range(2 + dice.below(4)))


ENGLISH = Tongue(
    code="en",
    title="{} {} {} {} {}",
    who=_list("""
        farmers; teachers; nurses; engineers; fishers; mayors; librarians; miners; students; drivers; beekeepers;
        weavers; builders; gardeners; pilots; bakers; rangers; traders; poets; clerks; brewers; surveyors; potters;
        lawyers
    """),
    does=_list("""
        question; welcome; rebuild; postpone; defend; map; measure; repair; sell; reject; discuss; celebrate; count;
        finance; inherit; study; photograph; restore; rename; share; close; reopen; inspect; remember
    """),
    what=_list("""
        the water plan; a new bridge; the old railway; an open ledger; the harbour wall; a night market; the school
        budget; a seed bank; the town clock; a solar roof; the ferry line; a quiet election; the grain store; a lost
        archive; the clinic roster; a wind farm; the museum roof; a wage deal; the border road; a rain gauge; the
        fish quota; a choir tour; the bread price; a public garden
    """),
    where=_list("""
        in Tamberley; in Port Orla; in Nkwezi; in Highmoor; in Saltpan; in Verlorenkop; in Blue Hills; in Cape
        Sorrow; in Umlazana; in Dry River; in Old Mill; in Fort Amber; in Lower Sands; in Kalima; in East Quay; in
        Greywater; in Thornfield; in Long Bay; in Mopani Flats; in Red Cliffs; in Zandvoord; in Twin Peaks; in Lake
        Mirembe; in North Pier
    """),
    when=_list("""
        after the rains; before winter; despite the cost; without a vote; for the third time; at first light; as
        prices fall; amid the drought; under new rules; on a sunday; with borrowed tools; by candlelight; once
        again; against advice; in record time; over two years; behind closed doors; in plain sight; beyond the
        deadline; during the heatwave; at half price; for a century; with great care; until spring
    """),
    openings=_list("""
        In the meantime; Last year; According to the council’s own figures; On paper; By noon; This week; Even so;
        For now; Across the valley; In a letter seen by the desk; Two decades ago; At the depot
    """),
    reasons=_list("""
        because nobody had asked before; although the figures say otherwise; while the harbour stays shut; and the
        queue grew longer; so the meeting was moved; as the minutes record; which few had expected; until the lights
        came back; since the old map was wrong; and that, residents say, is the point; while engineers wait for
        spare parts; although ‘not a cent’ has been paid
    """),
    voices=_list("""
        Residents say; The report notes that; A spokesperson confirmed that; Neighbours recall how; The committee
        heard that; Records show; Volunteers insist; The auditor found that; Historians believe; An early draft
        claimed that
    """),
)

FRENCH = Tongue(
    code="fr",
    title="{} {} {} {} {}",
    who=_list("""
        les pêcheurs; les enseignants; les boulangers; les architectes; les libraires; les étudiants; les maires;
        les infirmières; les apiculteurs; les juristes; les musiciens; les jardiniers
    """),
    does=_list("""
        défendent; réparent; reportent; célèbrent; contestent; étudient; financent; mesurent; rouvrent; découvrent;
        partagent; refusent
    """),
    what=_list("""
        le plan de l’eau; un vieux pont; la ligne de bus; un marché de nuit; le budget des écoles; une banque de
        graines; le toit du musée; un accord salarial; la route du col; un jardin public; le prix du pain; une
        élection tranquille
    """),
    where=_list("""
        à Aïn el-Roummaneh-le-Vieux; à Port-Cèdre; dans la haute vallée; à Deir Zeitoun; au bord du fleuve; à Kfar
        Noura; sur la corniche; à Beit Louza; dans la plaine; à Mar Salim; au col du Vent; à Tell Amar
    """),
    when=_list("""
        après la pluie; avant l’hiver; malgré le coût; sans vote; pour la troisième fois; à l’aube; en pleine
        sécheresse; un dimanche; à huis clos; en un temps record; contre toute attente; jusqu’au printemps
    """),
    openings=_list("""
        Pendant ce temps,; L’an dernier,; Selon les chiffres du conseil,; Sur le papier,; À midi,; Cette semaine,;
        Pour l’heure,; Il y a vingt ans,
    """),
    reasons=_list("""
        parce que personne ne l’avait demandé; bien que les comptes disent le contraire; et la file s’est allongée;
        comme le note le procès-verbal; ce que peu attendaient; jusqu’au retour du courant; tandis que le port reste
        fermé; car l’ancienne carte était fausse
    """),
    voices=_list("""
        Selon les habitants,; D’après le rapport,; Un porte-parole confirme :; Les voisins racontent que; Les
        archives montrent que; Les bénévoles assurent que
    """),
)

ARABIC = Tongue(
    code="ar",
    title="{} {} {} {} {}",
    who=_list("""
        الصيادون; المعلّمون; الخبّازون; المهندسون; الطلّاب; المزارعون; الممرّضات; النحّالون; الشعراء; البنّاؤون
    """),
    does=_list("""
        يدافعون عن; يصلحون; يؤجّلون; يدرسون; يموّلون; يقيسون; يعيدون فتح; يناقشون; يرفضون; يتذكّرون
    """),
    what=_list("""
        خطّة المياه; الجسر القديم; خطّ الحافلات; السوق الليلي; ميزانية المدارس; بنك البذور; سقف المتحف; طريق الجبل;
        سعر الخبز; الحديقة العامّة
    """),
    where=_list("""
        في المرفأ; في الوادي الأعلى; على الكورنيش; في السهل; عند النهر; في تل عمار; في دير زيتون; في بيت لوزة
    """),
    when=_list("""
        بعد المطر; قبل الشتاء; رغم الكلفة; من دون تصويت; للمرّة الثالثة; عند الفجر; يوم الأحد; حتّى الربيع
    """),
    openings=_list("""
        في هذه الأثناء; في العام الماضي; بحسب أرقام المجلس; على الورق; عند الظهر; هذا الأسبوع
    """),
    reasons=_list("""
        لأنّ أحداً لم يسأل من قبل; رغم أنّ الأرقام تقول العكس; بينما يبقى المرفأ مغلقاً; كما يذكر المحضر; وهذا ما لم
        يتوقّعه كثيرون
    """),
    voices=_list("""
        يقول السكّان إنّ; يشير التقرير إلى أنّ; يروي الجيران كيف; تظهر السجلّات أنّ
    """),
)

TONGUES = {tongue.code: tongue for tongue in (ENGLISH, FRENCH, ARABIC)}
