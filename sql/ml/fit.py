"""A regularised linear model of how far a predicted gain is from the measured one, by gradient descent.

The loss has a term for each regime, weighted as the slow lane's time is: exploration (errors on what
little is known of), optimization (errors on all), stabilization (distance from the model in force, from
nothing for the first). Errors count squared up to 1 and linearly beyond, so that one freak does not turn
the model. Every fourth sample is held back; descent stops when those have not improved for a while, and the
best weights seen are the result.
"""

import json
import math
from typing import Any

HELD_BACK = 4
RATE = 0.2
MOMENTUM = 0.8
PATIENCE = 30

Rows = list[list[float]]


def spread(rows: Rows) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation of each column; 1 where a column does not vary."""
    means = [sum(column) / len(column) for column in zip(*rows, strict=True)]
    deviations = [
        math.sqrt(sum((value - mean) ** 2 for value in column) / len(column))
        for column, mean in zip(zip(*rows, strict=True), means, strict=True)
    ]
    return means, [deviation if deviation > 1e-9 else 1.0 for deviation in deviations]


def predict(weights: list[float], row: list[float]) -> float:
    """Return ln(measured / predicted) as the weights say."""
    return sum(weight * value for weight, value in zip(weights, row, strict=True))


def mean_error(weights: list[float], rows: Rows, targets: list[float]) -> float:
    """Return the mean absolute error, of logarithms."""
    return sum(abs(predict(weights, row) - target) for row, target in zip(rows, targets, strict=True)) / len(
        rows
    )


def slope(weights: list[float], rows: Rows, targets: list[float], importance: list[float]) -> list[float]:
    """Return the gradient of the mean of Huber's loss, each sample with its importance."""
    gradient = [0.0] * len(weights)
    total = sum(importance)
    if not total:
        return gradient
    for row, target, weight in zip(rows, targets, importance, strict=True):
        error = max(-1.0, min(1.0, predict(weights, row) - target)) * weight / total
        for place, value in enumerate(row):
            gradient[place] += error * value
    return gradient


def run(_plpy: Any, samples: Any, previous: Any, regimes: list[float], epochs: int) -> str | None:
    """Fit and return the model as JSON; nothing where there are too few samples.

    samples: [{"features": {name: number}, "target": number, "uncertainty": 0..1}], the oldest first.
    previous: {name: weight}, weights for standardised features, {} at first.
    regimes: [exploration, optimization, stabilization]. epochs: the most passes over the samples.
    """
    samples = json.loads(samples)
    previous = json.loads(previous)
    if len(samples) < 2 * HELD_BACK:
        return None
    names = sorted({name for sample in samples for name in sample["features"]})
    rows = [[sample["features"].get(name, 0.0) for name in names] for sample in samples]
    means, deviations = spread(rows)
    rows = [
        [
            1.0,
            *(
                (value - mean) / deviation
                for value, mean, deviation in zip(row, means, deviations, strict=True)
            ),
        ]
        for row in rows
    ]
    targets = [sample["target"] for sample in samples]
    learned = [place for place in range(len(rows)) if place % HELD_BACK != HELD_BACK - 1]
    held = [place for place in range(len(rows)) if place % HELD_BACK == HELD_BACK - 1]
    known = [rows[place] for place in learned], [targets[place] for place in learned]
    judge = [rows[place] for place in held], [targets[place] for place in held]
    uncertain = [samples[place]["uncertainty"] for place in learned]
    anchor = [previous.get(name, 0.0) for name in ["", *names]]
    weights, best = list(anchor), list(anchor)
    lowest, since, done = mean_error(best, *judge), 0, 0
    speed = [0.0] * len(weights)
    while done < epochs and since < PATIENCE:
        done += 1
        explored = slope(weights, *known, uncertain)
        optimized = slope(weights, *known, [1.0] * len(learned))
        for place, weight in enumerate(weights):
            # What is known well may leave the anchor: its pull fades as samples come in.
            steady = (weight - anchor[place]) / math.sqrt(len(learned))
            step = regimes[0] * explored[place] + regimes[1] * optimized[place] + regimes[2] * steady
            speed[place] = MOMENTUM * speed[place] - RATE * step
        weights = [weight + change for weight, change in zip(weights, speed, strict=True)]
        error = mean_error(weights, *judge)
        since += 1
        if error < lowest - 1e-6:
            best, lowest, since = list(weights), error, 0
    return json.dumps(
        {
            "epochs": done,
            "samples": len(samples),
            "held_back": len(held),
            "error_before": mean_error([0.0] * len(weights), *judge),
            "error_after": lowest,
            "weights": [
                {"feature": name, "mean": mean, "deviation": deviation, "weight": weight}
                for name, mean, deviation, weight in zip(
                    ["", *names], [0.0, *means], [1.0, *deviations], best, strict=True
                )
            ],
        }
    )
