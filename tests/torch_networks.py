"""Torch modules as people write them: which are accepted as networks, and which are refused.

`ACCEPTED` has, by name, a function that builds a small module, the shape of one sample and the
network that it is; `REFUSED` a function, the shape and what the message has to say. Both are data
for tests and for tables.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import prune


@dataclass(frozen=True)
class Case:
    """A module, the shape of one sample that it takes, and the network or the words expected."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    expected: str

    @property
    def image(self) -> tuple[int, ...] | None:
        """What `from_torch` has to be told."""
        return self.shape if len(self.shape) == 3 else None


class Made(nn.Module):
    """A module of some parts and a forward pass that is a function of it and the input."""

    def __init__(self, forward, **parts):
        super().__init__()
        for name, part in parts.items():
            if isinstance(part, torch.Tensor) and not isinstance(part, nn.Parameter):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)
        self.function = forward

    def forward(self, x):
        return self.function(self, x)


class Classic(nn.Module):
    """fc1, fc2 and functions."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 5)
        self.drop = nn.Dropout(0.5)
        self.fc2 = nn.Linear(5, 2)

    def forward(self, x):
        return self.fc2(self.drop(F.relu(self.fc1(x))))


class Options(nn.Module):
    """Arguments with defaults, and a branch by one of them."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 5), nn.Linear(5, 1)

    def forward(self, x, features=False):
        x = torch.tanh(self.fc1(x))
        if features:
            return x
        if self.training:
            x = x + torch.randn_like(x)
        return self.fc2(x).squeeze(-1)


class MLP(nn.Module):
    """Layers in a ModuleList."""

    def __init__(self, sizes=(4, 6, 5, 1)):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.leaky_relu(layer(x), 0.1)
        return self.layers[-1](x)


class Block(nn.Module):
    """A residual block."""

    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, x):
        return x + self.body(x)


class Swish(nn.Module):
    """An activation of one's own."""

    def forward(self, x):
        return x * torch.sigmoid(x)


class InputConvex(nn.Module):
    """Weights made positive by softplus, and connections from the input."""

    def __init__(self):
        super().__init__()
        self.inputs = nn.ModuleList([nn.Linear(4, 5), nn.Linear(4, 5), nn.Linear(4, 1)])
        self.raw = nn.ParameterList(
            [nn.Parameter(torch.randn(5, 5)), nn.Parameter(torch.randn(1, 5))]
        )

    def forward(self, x):
        z = F.softplus(self.inputs[0](x))
        z = F.softplus(F.linear(z, F.softplus(self.raw[0])) + self.inputs[1](x))
        return F.linear(z, F.softplus(self.raw[1])) + self.inputs[2](x)


class LeNet(nn.Module):
    """A small convolutional network."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 3, 3, padding=1)
        self.bn = nn.BatchNorm2d(3)
        self.conv2 = nn.Conv2d(3, 2, 2)
        self.fc = nn.Linear(2 * 2 * 2, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn(self.conv1(x))), 2)
        x = F.relu(self.conv2(x))
        x = x.view(x.size(0), -1)
        return self.fc(x)


class Standardised(nn.Module):
    """Mean and scale as buffers, a network inside."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([1.0, -2.0, 3.0, 0.5]))
        self.register_buffer("std", torch.tensor([2.0, 0.5, 1.0, 4.0]))
        self.net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 1))

    def forward(self, x):
        return self.net((x - self.mean) / self.std) * 3.0 + 10.0


class Subclass(nn.Linear):
    """A Linear layer with another start."""

    def reset_parameters(self):
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)


def two(activation=None, **options):
    """Linear, activation, Linear."""
    return nn.Sequential(nn.Linear(4, 5), activation or nn.ReLU(), nn.Linear(5, 1, **options))


def called(function):
    """A function between two Linear layers."""
    return lambda: Made(
        lambda net, x: net.fc2(function(net.fc1(x))), fc1=nn.Linear(4, 5), fc2=nn.Linear(5, 1)
    )


def scrambled(module):
    """Statistics and weights of normalisations away from their first values."""
    for part in module.modules():
        for name in ("running_mean", "running_var", "weight", "bias"):
            tensor = getattr(part, name, None)
            if tensor is not None and hasattr(part, "running_mean"):
                tensor.data.uniform_(0.5, 1.5)
    return module


def weight_normed():
    """Both kinds of weight normalisation, and a spectral one."""
    old = nn.utils.weight_norm(nn.Linear(4, 5))
    with torch.no_grad():
        old.weight_g.mul_(3.0)  # the weight of the last call is stale now
    new = nn.utils.parametrizations.weight_norm(nn.Linear(5, 5))
    spectral = nn.utils.parametrizations.spectral_norm(nn.Linear(5, 5))
    return nn.Sequential(old, nn.ReLU(), new, nn.ReLU(), spectral)


def asking(net, x):
    """What depends on shapes alone."""
    assert x.shape[1] == 4, "four columns"
    if x.dim() == 1:
        x = x.unsqueeze(0)
    out = net.fc(x.to(net.fc.weight.dtype).reshape(len(x), x.size(-1)))
    return out if out.ndim == 2 else out[None]


def pruned():
    """Half of the weights of a layer set to zero by a mask."""
    module = two()
    prune.l1_unstructured(module[0], "weight", amount=0.5)
    return module


def lazy():
    """Initialised by its first call."""
    module = nn.Sequential(nn.LazyLinear(5), nn.ReLU(), nn.LazyLinear(1))
    module(torch.zeros(2, 4))
    return module


def frozen():
    """Without gradients."""
    return two().requires_grad_(False)


TWO = "Sequential(Linear(4, 5), {}, Linear(5, 1))"


def case(build, expected, *shape):
    return Case(build, shape or (4,), expected)


ACCEPTED = {
    "Sequential": case(two, TWO.format("ReLU()")),
    "nested Sequentials": case(
        lambda: nn.Sequential(nn.Sequential(nn.Linear(4, 5), nn.ReLU()), nn.Linear(5, 1)),
        "Sequential(Sequential(Linear(4, 5), ReLU()), Linear(5, 1))",
    ),
    "named children": case(
        lambda: nn.Sequential(OrderedDict(fc1=nn.Linear(4, 5), act=nn.Tanh(), fc2=nn.Linear(5, 1))),
        TWO.format("Tanh()"),
    ),
    "Dropout and Identity": case(
        lambda: nn.Sequential(
            nn.Identity(), nn.Linear(4, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 1)
        ),
        TWO.format("ReLU()"),
    ),
    "a class with fc1 and fc2": case(Classic, "Sequential(Linear(4, 5), ReLU(), Linear(5, 2))"),
    "arguments with defaults": case(Options, TWO.format("Tanh()")),
    "a ModuleList": case(
        MLP,
        "Sequential(Linear(4, 6), LeakyReLU(slope=0.1), Linear(6, 5), LeakyReLU(slope=0.1), "
        "Linear(5, 1))",
    ),
    "a module inside a module": case(
        lambda: Made(lambda net, x: net.inner(x), inner=Made(lambda net, x: net.fc(x), fc=two())),
        TWO.format("ReLU()"),
    ),
    "a residual block": case(
        lambda: nn.Sequential(nn.Linear(4, 3), Block(3), nn.Linear(3, 1)),
        "Sequential(Linear(4, 3), Residual(Sequential(Linear(3, 3), ReLU(), Linear(3, 3))), "
        "Linear(3, 1))",
    ),
    "a skip connection": case(
        lambda: Made(
            lambda net, x: net.net(x) + net.skip(x), net=two(), skip=nn.Linear(4, 1, bias=False)
        ),
        "Sequential(Residual(Sequential(Linear(4, 5), ReLU(), Linear(5, 1)), "
        "shortcut=Linear(4, 1)))",
    ),
    "a difference": case(
        lambda: Made(lambda net, x: x - net.fc(x), fc=nn.Linear(4, 4)),
        "Sequential(Residual(Sequential(Linear(4, 4), BatchNorm(4))))",
    ),
    "an input-convex network": case(
        InputConvex,
        "Sequential(Residual(Sequential(Residual(Sequential(Linear(4, 5), Softplus(beta=1), "
        "Linear(5, 5)), shortcut=Linear(4, 5)), Softplus(beta=1), Linear(5, 1)), "
        "shortcut=Linear(4, 1)))",
    ),
    "an activation of one's own": case(lambda: two(Swish()), TWO.format("SiLU()")),
    "F.relu": case(called(F.relu), TWO.format("ReLU()")),
    "torch.relu": case(called(torch.relu), TWO.format("ReLU()")),
    "x.relu()": case(called(lambda x: x.relu()), TWO.format("ReLU()")),
    "F.relu in place": case(called(lambda x: F.relu(x, inplace=True)), TWO.format("ReLU()")),
    "clamp(min=0)": case(called(lambda x: x.clamp(min=0)), TWO.format("ReLU()")),
    "maximum with zeros": case(
        called(lambda x: torch.maximum(x, torch.zeros_like(x))), TWO.format("ReLU()")
    ),
    "torch.tanh": case(called(torch.tanh), TWO.format("Tanh()")),
    "torch.sigmoid": case(called(torch.sigmoid), TWO.format("Sigmoid()")),
    "F.leaky_relu": case(
        called(lambda x: F.leaky_relu(x, 0.2)), TWO.format("LeakyReLU(slope=0.2)")
    ),
    "F.elu": case(called(lambda x: F.elu(x, alpha=0.5)), TWO.format("ELU(alpha=0.5)")),
    "F.softplus": case(called(F.softplus), TWO.format("Softplus(beta=1)")),
    "F.gelu": case(called(F.gelu), TWO.format("GELU()")),
    "F.silu": case(called(F.silu), TWO.format("SiLU()")),
    "F.hardtanh": case(
        called(lambda x: F.hardtanh(x, -2, 2)), TWO.format("HardTanh(low=-2, high=2)")
    ),
    "F.relu6": case(called(F.relu6), TWO.format("HardTanh(low=0, high=6)")),
    "ReLU6": case(lambda: two(nn.ReLU6()), TWO.format("HardTanh(low=0, high=6)")),
    "PReLU": case(lambda: two(nn.PReLU()), TWO.format("LeakyReLU(slope=0.25)")),
    "torch.abs": case(called(torch.abs), TWO.format("Abs()")),
    "torch.square": case(called(torch.square), TWO.format("Square()")),
    "x ** 2": case(called(lambda x: x**2), TWO.format("Square()")),
    "x * x": case(called(lambda x: x * x), TWO.format("Square()")),
    "F.softmax": case(
        lambda: Made(lambda net, x: F.softmax(net.fc(x), dim=1), fc=nn.Linear(4, 3)),
        "Sequential(Linear(4, 3), Softmax())",
    ),
    "F.dropout in evaluation mode": case(
        lambda: Made(
            lambda net, x: net.fc(F.dropout(x, 0.5, training=net.training)), fc=nn.Linear(4, 1)
        ),
        "Sequential(Linear(4, 1))",
    ),
    "F.linear and parameters": case(
        lambda: Made(
            lambda net, x: torch.relu(F.linear(x, net.W1, net.b1)) @ net.W2.T + net.b2,
            W1=nn.Parameter(torch.randn(5, 4)),
            b1=nn.Parameter(torch.randn(5)),
            W2=nn.Parameter(torch.randn(1, 5)),
            b2=nn.Parameter(torch.randn(1)),
        ),
        TWO.format("ReLU()"),
    ),
    "torch.matmul and addmm": case(
        lambda: Made(
            lambda net, x: torch.addmm(net.b, torch.matmul(x, net.V).relu_(), net.W),
            V=torch.randn(4, 5),
            W=torch.randn(5, 1),
            b=torch.randn(1),
        ),
        TWO.format("ReLU()"),
    ),
    "standardised inputs and outputs": case(
        Standardised,
        "Sequential(BatchNorm(4), Linear(4, 5), ReLU(), Linear(5, 1), BatchNorm(1))",
    ),
    "constants": case(
        lambda: Made(lambda net, x: 1 - net.fc(x / 255.0) * 2, fc=nn.Linear(4, 2)),
        "Sequential(BatchNorm(4), Linear(4, 2), BatchNorm(2))",
    ),
    "BatchNorm1d": case(
        lambda: scrambled(nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU())),
        "Sequential(Linear(4, 5), BatchNorm(5), ReLU())",
    ),
    "F.batch_norm": case(
        lambda: Made(
            lambda net, x: F.batch_norm(net.fc(x), net.m, net.v, net.w, None, net.training),
            fc=nn.Linear(4, 3),
            m=torch.randn(3),
            v=torch.rand(3) + 1,
            w=torch.randn(3),
        ),
        "Sequential(Linear(4, 3), BatchNorm(3))",
    ),
    "F.layer_norm": case(
        lambda: Made(lambda net, x: F.layer_norm(net.fc(x), (3,)), fc=nn.Linear(4, 3)),
        "Sequential(Linear(4, 3), LayerNorm(3))",
    ),
    "weight and spectral normalisation": case(
        weight_normed, "Sequential(Linear(4, 5), ReLU(), Linear(5, 5), ReLU(), Linear(5, 5))"
    ),
    "pruned": case(pruned, TWO.format("ReLU()")),
    "branches by shapes": case(
        lambda: Made(asking, fc=nn.Linear(4, 2)), "Sequential(Linear(4, 2))"
    ),
    "DataParallel": case(lambda: nn.DataParallel(two()), TWO.format("ReLU()")),
    "torch.compile": case(
        lambda: torch.compile(Classic()), "Sequential(Linear(4, 5), ReLU(), Linear(5, 2))"
    ),
    "a compiled part": case(
        lambda: Made(lambda net, x: net.inner(x), inner=torch.compile(two())), TWO.format("ReLU()")
    ),
    "a traced module": case(
        lambda: torch.fx.symbolic_trace(Classic().eval()),
        "Sequential(Linear(4, 5), ReLU(), Linear(5, 2))",
    ),
    "LazyLinear after a call": case(lazy, TWO.format("ReLU()")),
    "half precision": case(
        lambda: Classic().half(), "Sequential(Linear(4, 5), ReLU(), Linear(5, 2))"
    ),
    "bfloat16": case(lambda: two().bfloat16(), TWO.format("ReLU()")),
    "without gradients": case(frozen, TWO.format("ReLU()")),
    "a subclass of Linear": case(lambda: Subclass(4, 2), "Sequential(Linear(4, 2))"),
    "a plain tensor of a class": case(
        lambda: Made(
            lambda net, x: net.fc(x) * net.scale[0],
            fc=nn.Linear(4, 2),
            scale=[torch.tensor([2.0, 3.0])],
        ),
        "Sequential(Linear(4, 2), BatchNorm(2))",
    ),
    "squeeze at the end": case(
        lambda: Made(lambda net, x: net.net(x)[:, 0], net=two()), TWO.format("ReLU()")
    ),
    "flattened and reshaped rows": case(
        lambda: Made(
            lambda net, x: net.fc(torch.flatten(x.reshape(-1, 2, 2), 1).contiguous().float()),
            fc=nn.Linear(4, 2),
        ),
        "Sequential(Linear(4, 2))",
    ),
    "a maximum over columns": case(
        lambda: Made(lambda net, x: net.fc(x).amax(dim=1, keepdim=True), fc=nn.Linear(4, 3)),
        "Sequential(Linear(4, 3), Maxout(k=3))",
    ),
    "a convolutional network": case(
        lambda: scrambled(LeNet()),
        "Sequential(Conv2d(2, 3, 3, image=(6, 6)), ReLU(), MaxPool2d(2, channels=3, image=(6, 6)), "
        "Conv2d(3, 2, 2, image=(3, 3)), ReLU(), Flatten(), Linear(8, 3))",
        *(2, 6, 6),
    ),
    "convolution, BatchNorm2d and global pooling": case(
        lambda: scrambled(
            nn.Sequential(
                nn.Conv2d(2, 3, 3, padding=1, bias=False),
                nn.BatchNorm2d(3),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(3, 2),
            )
        ),
        "Sequential(Conv2d(2, 3, 3, image=(4, 4)), ReLU(), AvgPool2d(4, channels=3, image=(4, 4)), "
        "Flatten(), Linear(3, 2))",
        *(2, 4, 4),
    ),
    "functions of images": case(
        lambda: Made(
            lambda net, x: net.fc(
                F.avg_pool2d(torch.relu(F.conv2d(x, net.W, net.b)), 3).flatten(1)
            ),
            W=torch.randn(2, 1, 2, 2),
            b=torch.randn(2),
            fc=nn.Linear(2, 1),
        ),
        "Sequential(Conv2d(1, 2, 2, image=(4, 4)), ReLU(), AvgPool2d(3, channels=2, image=(3, 3)), "
        "Flatten(), Linear(2, 1))",
        *(1, 4, 4),
    ),
    "BatchNorm2d first": case(
        lambda: scrambled(
            nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 1, 2), nn.Flatten(), nn.Linear(4, 1))
        ),
        "Sequential(BatchNorm(18), Conv2d(2, 1, 2, image=(3, 3)), Flatten(), Linear(4, 1))",
        *(2, 3, 3),
    ),
    "rows that are images": case(
        lambda: Made(
            lambda net, x: net.fc(net.conv(x.view(-1, 1, 3, 3)).relu().mean(dim=(2, 3))),
            conv=nn.Conv2d(1, 2, 2),
            fc=nn.Linear(2, 1),
        ),
        "Sequential(Flatten(), Conv2d(1, 2, 2, image=(3, 3)), ReLU(), "
        "AvgPool2d(2, channels=2, image=(2, 2)), Linear(2, 1))",
        9,
    ),
}


class Branching(nn.Module):
    """A branch by the numbers in the input."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 1)

    def forward(self, x):
        if x.sum() > 0:
            return self.fc(x)
        return -self.fc(x)


class TwoInputs(nn.Module):
    """A network of two inputs."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 1)

    def forward(self, x, mask):
        return self.fc(x * mask)


class Twice(nn.Module):
    """A layer used twice."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return self.fc(torch.relu(self.fc(x)))


def made(function, **parts):
    """A module with a Linear layer and a forward pass."""
    return lambda: Made(lambda net, x: function(net, x), **{"fc": nn.Linear(4, 4), **parts})


def hooked(module):
    """A module with a hook."""
    module.register_forward_hook(lambda module, args, output: 2 * output)
    return module


HERE = "torch_networks.py:"
REFUSED = {
    "a branch by the data": case(
        Branching, rf"the module: forward of .*Branching .* {HERE}\d+: .*depends on its input"
    ),
    "two inputs": case(TwoInputs, r"takes 2 inputs \(x, mask\)"),
    "a layer used twice": case(Twice, rf"^fc: forward uses torch.nn.Linear twice \({HERE}\d+\)"),
    "torch.cat": case(
        made(lambda net, x: torch.cat([x, net.fc(x)], 1)),
        rf"the module: forward calls torch.cat at {HERE}\d+: .*self.a\(x\) \+ self.b\(z\)",
    ),
    "a function inside a module inside": case(
        lambda: Made(
            lambda net, x: net.inner(x), inner=made(lambda net, x: torch.sin(net.fc(x)))()
        ),
        rf"^inner: forward calls torch.sin at {HERE}\d+: cvxnet does not have it",
    ),
    "log_softmax": case(
        made(lambda net, x: F.log_softmax(net.fc(x), dim=1)),
        r'torch.nn.functional.log_softmax at .* loss="cross_entropy" takes the scores',
    ),
    "LogSoftmax": case(
        lambda: nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(dim=1)),
        r'^1: torch.nn.LogSoftmax .* loss="cross_entropy" takes the scores',
    ),
    "GroupNorm": case(
        made(lambda net, x: net.norm(net.fc(x)), norm=nn.GroupNorm(2, 4)),
        r"^norm: torch.nn.GroupNorm has no counterpart in cvxnet; its statistics",
    ),
    "LSTM": case(lambda: nn.LSTM(4, 3), r"^the module: torch.nn.LSTM has no counterpart"),
    "a gate": case(
        made(lambda net, x: x * net.fc(x)), rf"operator.mul at {HERE}\d+: it multiplies two signals"
    ),
    "tanh-GELU": case(
        called(lambda x: F.gelu(x, approximate="tanh")),
        r"functional.gelu at .*approximate='tanh' is not supported, only 'none'",
    ),
    "a small threshold": case(called(lambda x: F.softplus(x, 1, 5)), r"threshold=5 .* at least 20"),
    "dropout in every mode": case(
        called(lambda x: F.dropout(x, 0.5)), r"functional.dropout at .*training=self.training"
    ),
    "statistics of the batch": case(
        made(lambda net, x: x - x.mean(0)), r"Tensor.mean at .*means in cvxnet are of square images"
    ),
    "a tuple": case(made(lambda net, x: (x, net.fc(x))), r"forward returns a tuple; .* one tensor"),
    "a hook": case(
        lambda: nn.Sequential(hooked(nn.ReLU())), r"^0: hooks on torch.nn.ReLU .*remove"
    ),
    "a hook on a class": case(
        lambda: hooked(Classic()), r"^the module: hooks on .*Classic .*handle.remove"
    ),
    "samples joined": case(
        made(lambda net, x: net.fc(x).flatten()), r"each sample keeps its numbers"
    ),
    "another power": case(
        called(lambda x: x**3), r"operator.pow at .*powers in cvxnet are squares"
    ),
    "sums of two widths": case(
        made(lambda net, x: x + net.one(x), one=nn.Linear(4, 1)), r"\(n, 4\) and .*\(n, 1\); sums"
    ),
    "TorchScript": case(lambda: torch.jit.script(two()), r"TorchScript .*cvxnet.from_torch\(net\)"),
    "TorchScript inside": case(
        lambda: nn.Sequential(nn.Linear(4, 4), torch.jit.script(nn.ReLU())),
        r"^1: a TorchScript module no longer says",
    ),
    "different slopes": case(
        lambda: (
            nn.PReLU(3, init=0.1)
            .requires_grad_(False)
            .apply(lambda m: m.weight.copy_(torch.tensor([0.1, 0.2, 0.3])))
        ),
        r"PReLU: it has 3 different slopes",
        3,
    ),
    "LayerNorm of each position": case(
        made(lambda net, x: net.fc(x.unsqueeze(1))), r"^fc: torch.nn.Linear: it gets .*\(n, 1, 4\)"
    ),
    "columns chosen": case(
        made(lambda net, x: net.fc(x)[:, :2]), r"operator.getitem at .*a choice of columns"
    ),
    "sequences": case(
        lambda: nn.Sequential(nn.Conv1d(1, 2, 2)), r"^0: torch.nn.Conv1d .*as a Conv2d on images"
    ),
}
