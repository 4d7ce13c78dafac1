"""The Dutch of the figures: axis labels, captions, and the descriptions for readers who do not see them."""

from __future__ import annotations

from collections.abc import Sequence

from trialkit.report.words.en.figures import FigureWords


class DutchFigures(FigureWords):
    """Words in and around figures."""

    # --- axes
    axis_share = "Aandeel van de mensen"
    axis_mean = "Gemiddelde, met één SD naar elke kant"
    axis_difference_share = "Procentpunten"
    axis_difference_sd = "Standaarddeviaties (Hedges' g)"
    axis_difference_raw = "Eenheden van de maat"
    axis_ratio = "Verhouding (1: geen verschil)"
    axis_standardized = "Gestandaardiseerd verschil, arm − controle"
    axis_group_size = "Mensen in een groep"
    better_side, worse_side = "beter →", "← slechter"
    better_side_left, worse_side_right = "← beter", "slechter →"
    zone = "grijs: te klein om de moeite waard te zijn"
    panel_ratio = "Geschatte verhouding"
    panel_observed, panel_effect = "Waargenomen, per arm", "Geschat verschil"
    not_estimated_mark = "niet geschat"

    def value_and_interval(self, value: str, low: str, high: str) -> str:
        return f"{value} ({low} tot {high})"

    def groups_mean(self, groups: str, mean: str) -> str:
        return f"{groups} groepen, gemiddeld {mean}"

    # --- flow
    flow_start = "Gerandomiseerd"
    flow_took_up, flow_known = "Nam deel", "Uitkomst bekend"

    def flow_people(self, people: str, share: str | None) -> str:
        return f"{people} mensen ({share})" if share else f"{people} mensen"

    def flow_groups(self, groups: str) -> str:
        return f"in {groups} groepen"

    def flow_clusters(self, clusters: str) -> str:
        return f"{clusters} clusters"

    def flow_sizes(self, low: str, high: str, mean: str) -> str:
        return f"van {low} mensen" if low == high else f"van {low} tot {high} mensen (gemiddeld {mean})"

    # --- captions
    def caption_primary(self, label: str, level: str, shaded: bool, observed: bool = True) -> str:
        zone = (
            " In het grijze gebied liggen verschillen die volgens het plan te klein zijn om de moeite waard te zijn."
            if shaded
            else ""
        )
        if not observed:
            return f"{label}: het geschatte effect met zijn {level}-interval.{zone}"
        return f"{label}: wat in elke arm is waargenomen, en het geschatte verschil met zijn {level}-interval.{zone}"

    def caption_curves(self, label: str, level: str) -> str:
        return (
            f"{label}: het aandeel van de mensen in de loop van de tijd per arm (Kaplan-Meier, of cumulatieve incidentie als er ook andere vormen van "
            f"uitstroom zijn), met {level}-intervallen en de aantallen die nog werden gevolgd."
        )

    def alt_curves(self, label: str, arms: Sequence[str]) -> str:
        return f"Lijnen in de loop van de tijd van {label}, één voor elke arm: {', '.join(arms)}."

    def caption_subgroups(self, label: str, level: str) -> str:
        return f"{label}: het effect in elke subgroep met zijn {level}-interval; de toets gaat over de verschillen ertussen."

    def caption_forest(self, level: str, several_arms: bool) -> str:
        marks = "Dikke lijnen: primaire uitkomsten." if several_arms else "Vierkanten: primaire uitkomsten; rondjes: de andere."
        return f"Effecten op alle uitkomsten met {level}-intervallen. {marks}"

    caption_flow = "Mensen en groepen van de loting tot de primaire uitkomst."
    caption_love = (
        "Verschillen tussen de armen bij het begin. Lijnen bij 0,05 (stippels) en 0,25 (streepjes) standaarddeviatie; rechts heeft "
        "de arm meer of scoort die hoger dan de controlegroep."
    )
    caption_groups = "Grootte van de groepen zoals ingedeeld: kleinste, gemiddelde en grootste."
    caption_groups_planned = (
        "Grootte van de groepen zoals ingedeeld: kleinste, gemiddelde en grootste. De grijze band is wat het plan voorzag."
    )

    # --- descriptions
    def alt_primary(self, label: str, observed: Sequence[str], effects: Sequence[str], worthwhile: str | None) -> str:
        zone = f" Het kleinste verschil dat volgens het plan de moeite waard is, is {worthwhile}." if worthwhile else ""
        if not observed:
            return f"Het geschatte effect op {label}: {'; '.join(effects)}.{zone}"
        return f"Twee panelen over {label}. Waargenomen: {'; '.join(observed)}. Geschat verschil: {'; '.join(effects)}.{zone}"

    def alt_effect(self, name: str, value: str, low: str, high: str, level: str) -> str:
        return f"{name}: {value}, {level}-interval {low} tot {high}"

    def alt_forest(self, effects: Sequence[str]) -> str:
        return f"Figuur met alle effecten (forest plot). {'. '.join(effects)}."

    def alt_flow(self, arms: Sequence[str]) -> str:
        return f"Stroomdiagram met een kolom voor elke arm. {' '.join(arms)}"

    def alt_love(self, n: int, largest: Sequence[str]) -> str:
        return f"Puntenfiguur van {n} gestandaardiseerde verschillen bij het begin. De grootste: {'; '.join(largest)}."

    def alt_groups(self, arms: Sequence[str]) -> str:
        return f"Groepsgroottes. {' '.join(arms)}"

    def alt_groups_arm(self, label: str, low: str, high: str, mean: str, groups: str) -> str:
        return f"{label}: {groups} groepen van {low} tot {high} mensen, gemiddeld {mean}."
