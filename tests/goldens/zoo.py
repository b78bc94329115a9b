"""Every classification network of torchvision and timm with weights that both sides compute, as resnets.py has them.

A number is a hash of its tensor's name and its index, so that the reader (tests/zoo/networks.rs) makes the same bits. The hash is of
PERIOD numbers at most, which then repeat: VGG has 120 million in two layers.
"""

import contextlib

import numpy
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from golden_file import Golden
from resnets import CLASSES, fnv1a, images, unit

PERIOD = 65521
EVAL_BIAS, TRAIN_BIAS = (-0.1, 0.1), (0.0, 1.0)

# torchvision has no such networks. timm makes them of its ResNet.
ATTENTION = {"seresnet50": "se", "ecaresnet50": "eca", "cbam_resnet50": "cbam"}

# Two sizes of image each, one of them odd; AlexNet takes none below 63.
SIZES = {
    "wide_resnet50_2": [(32, 32), (33, 45)],
    "resnext50_32x4d": [(32, 32), (33, 45)],
    "seresnet50": [(32, 32), (35, 51)],
    "ecaresnet50": [(32, 32), (35, 51)],
    "cbam_resnet50": [(32, 32), (35, 51)],
    "vgg11": [(32, 32), (39, 65)],
    "vgg11_bn": [(32, 32), (39, 65)],
    "vgg13": [(32, 32), (39, 65)],
    "vgg13_bn": [(32, 32), (39, 65)],
    "vgg16": [(32, 32), (39, 65)],
    "vgg16_bn": [(32, 32), (39, 65)],
    "vgg19": [(32, 32), (39, 65)],
    "vgg19_bn": [(32, 32), (39, 65)],
    "alexnet": [(64, 64), (63, 75)],
    "squeezenet1_0": [(32, 32), (45, 67)],
    "squeezenet1_1": [(32, 32), (45, 67)],
    "googlenet": [(32, 32), (45, 67)],
    "densenet121": [(32, 32), (45, 67)],
    "mobilenet_v2": [(32, 32), (45, 67)],
    "mobilenet_v3_small": [(32, 32), (45, 67)],
    "mobilenet_v3_large": [(32, 32), (45, 67)],
    "shufflenet_v2_x0_5": [(32, 32), (45, 67)],
    "shufflenet_v2_x1_0": [(32, 32), (45, 67)],
    "efficientnet_b0": [(32, 32), (45, 67)],
    "convnext_tiny": [(32, 32), (45, 67)],
}

# The weights of normalisations lie between these; a little larger where gates would let the image fade.
NORM = (0.75, 1.25)
NORMS = {"efficientnet_b0": (0.9, 1.3)}

# Loss and every gradient in training mode, with nothing dropped: the shape of the images and their name. Three images, so that
# a normalisation over one pixel of each still has something to normalise. The images are chosen: inputs of ReLUs that lie near a kink
# take the other side in float32, and then PyTorch's own float32 is further from its float64 than the test allows (MobileNetV2 with
# images/0: 1.8e-3 in a product, 1.05e-3 in a length). With these both are within 7e-4.
TRAINED = {
    "vgg11_bn": ((3, 3, 32, 32), "images/22"),
    "mobilenet_v2": ((3, 3, 64, 64), "images/627"),
    "efficientnet_b0": ((3, 3, 64, 64), "images/0"),
    "googlenet": ((3, 3, 64, 64), "images/4"),
}


@contextlib.contextmanager
def unstarted():
    """Leaves out the start of weights, which are overwritten: VGG's takes longer than all else."""
    names = ["kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_", "trunc_normal_"]
    kept = {name: getattr(nn.init, name) for name in names}
    for name in names:
        setattr(nn.init, name, lambda tensor, *_, **__: tensor)
    try:
        yield
    finally:
        for name in names:
            setattr(nn.init, name, kept[name])


def plain(name, classes, auxiliary=True):
    """The network as its library makes it, with whatever numbers."""
    with unstarted():
        return made(name, classes, auxiliary)


def made(name, classes, auxiliary):
    if name in ATTENTION:
        import timm.models.resnet as resnet

        kind = {"block": resnet.Bottleneck, "layers": [3, 4, 6, 3], "block_args": {"attn_layer": ATTENTION[name]}}
        return resnet.ResNet(num_classes=classes, **kind)
    # Without a word it warns that its own start takes long.
    more = {"aux_logits": auxiliary, "init_weights": False} if name == "googlenet" else {}
    return getattr(torchvision.models, name)(num_classes=classes, **more)


def filled(name, shape, low, high):
    """Numbers in low..high, computed in float64 and rounded to float32; beyond PERIOD they repeat."""
    count = int(numpy.prod(shape))
    values = (low + (high - low) * unit(name, min(count, PERIOD))).astype(numpy.float32)
    return torch.from_numpy(numpy.resize(values, count).reshape(tuple(shape)))


def value_range(name, shape, norm, bias):
    """What the numbers of a tensor lie between."""
    if name.endswith("layer_scale"):
        return 0.1, 0.5
    if len(shape) > 1:
        # He et al., arXiv 1502.01852: the size of activations stays.
        bound = float(numpy.sqrt(6.0 / numpy.prod(shape[1:])))
        return -bound, bound
    if name.endswith("running_mean"):
        return -0.2, 0.2
    if name.endswith("running_var"):
        return 0.5, 1.5
    return norm if name.endswith("weight") else bias


def network(name, bias, dtype):
    """The network with the numbers that its tensors' names give, and nothing dropped in training."""
    model = plain(name, CLASSES)
    state = model.state_dict()
    for key, tensor in state.items():
        if tensor.is_floating_point():
            state[key] = filled(key, tensor.shape, *value_range(key, tensor.shape, NORMS.get(name, NORM), bias))
    model.load_state_dict(state)
    for module in model.modules():
        if isinstance(module, (nn.Dropout, torchvision.ops.StochasticDepth)):
            module.p = 0.0
    return model.to(dtype)


def digest(model):
    """The hash of every name and shape in the state dict, a line each, in its order."""
    lines = [f"{name} {list(tensor.shape)}\n" for name, tensor in model.state_dict().items()]
    return f"{fnv1a(''.join(lines)):016x}"


def published(name):
    """The parameters that the library states, for 1000 classes and without auxiliary heads."""
    count = sum(parameter.numel() for parameter in plain(name, 1000, auxiliary=False).parameters())
    if name not in ATTENTION:
        weights = torchvision.models.get_model_weights(name).DEFAULT
        assert count == weights.meta["num_params"], (name, count)
    return count


def spread(logits):
    """How far the answers to different images are from each other, of the largest logit."""
    return ((logits - logits.mean(0)).abs().max() / logits.abs().max()).item()


def sampled(tensor):
    """Every so many elements, PERIOD to twice as many at most: VGG's first linear layer has 100 million."""
    flat = tensor.flatten()
    return flat[:: max(flat.numel() // PERIOD, 1)]


def gradients(name, shape, pictures, dtype):
    """The loss, and for each parameter's gradient, sampled, its norm and its product with a random direction, in order."""
    model = network(name, TRAIN_BIAS, dtype).train()
    outputs = model(images(shape, pictures).to(dtype))
    # GoogLeNet's are a tuple in training; the fields of torchvision 0.14 are named the wrong way round, but both heads count alike.
    logits, *auxiliary = outputs if isinstance(outputs, tuple) else [outputs]
    labels = torch.arange(shape[0]) % CLASSES
    loss = F.cross_entropy(logits, labels) + 0.3 * sum(F.cross_entropy(other, labels) for other in auxiliary)
    loss.backward()
    norms, products = [], []
    for key, parameter in model.named_parameters():
        gradient = sampled(parameter.grad).double()
        direction = filled("direction/" + key, gradient.shape, -1.0, 1.0).double()
        norms.append(gradient.norm())
        products.append((gradient * direction).sum() / direction.norm())
    return loss, torch.stack(norms), torch.stack(products)


def zoo():
    golden = Golden("zoo")
    for name, sizes in SIZES.items():
        model, shapes = network(name, EVAL_BIAS, torch.float32).eval(), [(2, 3, *size) for size in sizes]
        with torch.no_grad():
            single = [model(images(shape)) for shape in shapes]
            model.double()
            exact = [model(images(shape).double()) for shape in shapes]
        note = max(((a.double() - b).abs().max() / b.abs().max()).item() for a, b in zip(single, exact))
        assert min(map(spread, exact)) > 0.005, (name, *map(spread, exact))
        parameters = {"digest": digest(model), "parameters": published(name), "shapes": shapes, "norm": NORMS.get(name, NORM)}
        golden.case(name, "zoo", {**parameters, "float32_against_float64": note})
        golden.add(name, {f"logits_{at}": logits for at, logits in enumerate(exact)})
        print(name, note, *map(spread, exact), flush=True)
    for name, (shape, pictures) in TRAINED.items():
        loss, norms, products = gradients(name, shape, pictures, torch.float64)
        single = gradients(name, shape, pictures, torch.float32)
        # A bias in front of a normalisation has no gradient but what rounding leaves: of the largest one then.
        lengths = norms.clamp(min=1e-4 * norms.max().item())
        note = ((single[2] - products) / lengths).abs().max().item()
        case = f"gradients_{name}"
        parameters = {"network": name, "shape": shape, "images": pictures, "norm": NORMS.get(name, NORM)}
        golden.case(case, "zoo", {**parameters, "float32_against_float64": note})
        golden.add(case, {"loss": loss, "norms": norms, "products": products})
        print(case, pictures, note, ((single[1] - norms) / lengths).abs().max().item(), flush=True)
    golden.save()


if __name__ == "__main__":
    zoo()
