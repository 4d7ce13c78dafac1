"""Finding latent parameters that give the truths a scenario aims at.

Targets stand on the observed scale (SDs of a score, an odds ratio), parameters on the latent one. Each target names the
parameter that moves it. All parameters are moved at once by secant steps on their own targets, with the same random numbers in
every step; that converges because effects on later outcomes hardly move earlier ones.
"""

from __future__ import annotations

from collections.abc import Callable

from trialkit.errors import EstimationError
from trialkit.simulate.spec import ScenarioSpec, Target
from trialkit.simulate.truth import Truth, compute_truth

__all__ = ["reached", "tuned"]

FIRST_STEP = 0.05
MOST_STEPS = 15


def reached(truth: Truth, target: Target) -> float:
    """The value of a target in a computed truth."""
    if target.metric == "control_mean":
        return truth.context[target.outcome]["control_mean"]
    return truth.value(target.outcome, target.metric, target.estimand, target.arm or None)


def tuned(
    spec: ScenarioSpec, *, people: int, seed: int, tolerance: float = 1e-4, progress: Callable[[str], None] | None = None
) -> dict[str, float]:
    """Values of the parameters named by the scenario's targets.

    Raises
    ------
    EstimationError
        When a parameter does not move its target, or the targets are not reached within 15 steps.
    """
    names = [t.parameter for t in spec.targets]
    aims = [t.value for t in spec.targets]

    def measured(values: list[float]) -> list[float]:
        truth = compute_truth(_with(spec, dict(zip(names, values))), people=people, seed=seed)
        return [reached(truth, t) for t in spec.targets]

    before = [_get(spec, n) for n in names]
    found = measured(before)
    now = [v + FIRST_STEP for v in before]
    slopes = [1.0] * len(names)
    for step in range(MOST_STEPS):
        new = measured(now)
        if progress:
            progress(f"step {step + 1}: " + ", ".join(f"{n} = {v:.4f} gives {m:.4f}" for n, v, m in zip(names, now, new)))
        if max(abs(m - a) / max(1.0, abs(a)) for m, a in zip(new, aims)) < tolerance:
            return dict(zip(names, now))
        # A parameter that has arrived keeps its slope: a step of nothing has none.
        slopes = [(m - f) / (v - b) if abs(v - b) > 1e-5 else s for m, f, v, b, s in zip(new, found, now, before, slopes)]
        stuck = [t for t, s in zip(spec.targets, slopes) if s == 0]
        if stuck:
            t = stuck[0]
            raise EstimationError(f"'{t.parameter}' does not move {t.metric} of '{t.outcome}': name the parameter that does.")
        before, found = now, new
        now = [v + (a - m) / s for v, a, m, s in zip(now, aims, new, slopes)]
    raise EstimationError(
        f"the targets of '{spec.key}' are not reached in {MOST_STEPS} steps: are they possible with these parts?"
    )


def _get(spec: ScenarioSpec, parameter: str) -> float:
    part, field, *entry = parameter.split(".")
    value = getattr(spec.part(part), field)
    return float(value[entry[0]] if entry else value)


def _with(spec: ScenarioSpec, values: dict[str, float]) -> ScenarioSpec:
    """The scenario with other values of some parameters."""
    parts = list(spec.parts)
    for parameter, value in values.items():
        name, field, *entry = parameter.split(".")
        at = next(i for i, p in enumerate(parts) if p.name == name)
        new = getattr(parts[at], field) | {entry[0]: value} if entry else value
        parts[at] = parts[at].model_copy(update={field: new})
    return spec.model_copy(update={"parts": tuple(parts)})
