"""The PyTorch side: the module of a `network.Network`, and one way of training it."""

import time

import torch
from torch import nn
from torch.nn import functional as F

from .network import BATCH_NORM_EPSILON

BATCH = 128
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
LABEL_SMOOTHING = 0.05


class ConvNorm(nn.Module):
    """A convolution and its BatchNormalization; the ReLU is applied outside, after the residual if there is one."""

    def __init__(self, conv):
        super().__init__()
        self.conv = nn.Conv2d(conv.inputs, conv.outputs, conv.kernel, conv.stride, conv.padding, groups=conv.groups, bias=False)
        self.norm = nn.BatchNorm2d(conv.outputs, eps=BATCH_NORM_EPSILON)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        return self.norm(self.conv(x))


class Module(nn.Module):
    """A `network.Network` as a PyTorch module: [N, 1, height, width] → [N, classes]."""

    def __init__(self, network):
        super().__init__()
        self.stages = network.stages
        for stage in network.stages:
            for conv in stage.convs:
                self.add_module(conv.name, ConvNorm(conv))
        self.fc = nn.Linear(network.features, len(network.classes))

    def forward(self, x):
        for stage in self.stages:
            entry = x
            for conv in stage.convs:
                x = getattr(self, conv.name)(x)
                if stage.residual and conv is stage.convs[-1]:
                    x = x + entry
                x = F.relu(x)
        return self.fc(x.mean((2, 3)))


def logits(module, images):
    """The outputs for all images, without gradients, in evaluation mode."""
    module.eval()
    with torch.no_grad():
        out = torch.cat([module(x) for x in images.split(500)])
    module.train()
    return out


def accuracy(module, images, labels):
    """Part of the images whose largest logit is the right one."""
    return (logits(module, images).argmax(1) == labels).float().mean().item()


def train(network, epoch_of, epochs, *, seed, peak, weights=None):
    """SGD with Nesterov momentum and a one-cycle learning rate; the module after the last step, no picking of epochs.

    `epoch_of(generator)` gives the samples and labels of one epoch, augmented, in the order that it likes; always as many.
    `peak` is the highest learning rate; `weights` those of the classes in the loss.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    module = Module(network)
    decayed = [p for p in module.parameters() if p.ndim > 1]
    plain = [p for p in module.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=peak, momentum=MOMENTUM, nesterov=True)
    schedule = None
    for epoch in range(epochs):
        start, losses = time.time(), 0.0
        images, labels = epoch_of(generator)
        steps = len(images) // BATCH
        schedule = schedule or torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=epochs * steps, pct_start=0.25, cycle_momentum=False)
        order = torch.randperm(len(images), generator=generator)
        for step in range(steps):
            at = order[step * BATCH : (step + 1) * BATCH]
            loss = F.cross_entropy(module(images[at]), labels[at], weight=weights, label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses += loss.item()
        print(f"epoch {epoch + 1}/{epochs}: loss {losses / steps:.4f}, {time.time() - start:.0f} s", flush=True)
    return module
