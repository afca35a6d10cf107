"""What a screening test is judged by: sensitivity, specificity, area under the ROC curve."""

import numpy as np


def figures(logits, labels):
    """Percent each: accuracy, sensitivity (of the ill, how many are found), specificity (of the healthy, how many are let go), AUC."""
    found, ill = logits.argmax(1) == 1, labels == 1
    score = logits[:, 1] - logits[:, 0]
    higher = score[ill][:, None] - score[~ill][None, :]
    auc = np.mean(higher > 0) + 0.5 * np.mean(higher == 0)
    return {
        "accuracy": 100 * float(np.mean(found == ill)),
        "sensitivity": 100 * float(np.mean(found[ill])),
        "specificity": 100 * float(np.mean(~found[~ill])),
        "AUC": 100 * float(auc),
    }


def line(logits, labels):
    """The difference of the logits at which sensitivity and specificity are closest."""
    score = logits[:, 1] - logits[:, 0]
    ill, healthy = np.sort(score[labels == 1]), np.sort(score[labels == 0])
    between = np.sort(score)
    between = (between[1:] + between[:-1]) / 2
    missed, alarmed = np.searchsorted(ill, between) / len(ill), 1 - np.searchsorted(healthy, between) / len(healthy)
    return float(between[np.argmin(np.abs(missed - alarmed))])


def report(name, logits, labels):
    print(f"{name}: {len(labels)} images,", ", ".join(f"{k} {v:.2f} %" for k, v in figures(logits, labels).items()))
