"""The simulated judges and the errors that were planted in them, published for all to check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Planted:
    """What was planted in one simulated judge. All figures are probabilities.

    ``accuracy``: of pairs, that the judge sees which response is better (the same in both orders).
    ``position_bias``: in one call, that it names the response shown first, whatever it sees.
    ``verbosity_bias``: of pairs, that it names the longer response, whatever it sees.
    ``one_off``, ``two_off``: of scores, that they lie one or two points beside the latent score.
    ``leniency``: of scores, that one more point is given on top.
    ``wrong_choice``: of yes/no and category labels, that another label than the latent is named.
    ``gullibility``: of items with an instruction of the bias laboratory, that it is obeyed.
    ``long_points``: of scores, that one more point is given to a response longer than 400
    characters.
    ``wavering``: of labels, that another one is named where the rubric is put in other words.
    """

    model: str
    title: str
    accuracy: float
    position_bias: float
    verbosity_bias: float
    one_off: float
    two_off: float
    leniency: float
    wrong_choice: float
    gullibility: float = 0.0
    long_points: float = 0.0
    wavering: float = 0.0


PLANTED = {
    judge.model: judge
    for judge in (
        Planted(
            model="sim-plumb-1",
            title="Plumb 1 (simulated)",
            accuracy=0.96,
            position_bias=0.015,
            verbosity_bias=0.01,
            one_off=0.26,
            two_off=0.01,
            leniency=0.02,
            wrong_choice=0.06,
        ),
        Planted(
            model="sim-slant-1",
            title="Slant 1 (simulated)",
            accuracy=0.86,
            position_bias=0.12,
            verbosity_bias=0.08,
            one_off=0.45,
            two_off=0.40,
            leniency=0.55,
            wrong_choice=0.28,
        ),
        Planted(
            model="sim-sway-1",
            title="Sway 1 (simulated)",
            accuracy=0.90,
            position_bias=0.25,
            verbosity_bias=0.60,
            one_off=0.20,
            two_off=0.02,
            leniency=0.0,
            wrong_choice=0.10,
            gullibility=0.70,
            long_points=0.80,
            wavering=0.30,
        ),
    )
}
