"""Integers and indices: arithmetic of int32, casts of what does not fit, gathering and scattering by index.

Run by make_goldens.py. PyTorch refuses a division of integers by zero and an index outside its axis; those are not here.
"""

import torch

from golden_file import Golden

LEAST, MOST = -(2**31), 2**31 - 1
EDGES = [0, 1, -1, 2, -2, 3, 7, -7, 31, 255, 256, -128, 46341, 65536, 2**24 + 1, 2**30, MOST, LEAST, LEAST + 1]
BINARY = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": lambda a, b: torch.div(a, b, rounding_mode="trunc"),
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "pow": torch.pow,
    "equal": torch.eq,
    "less": torch.lt,
    "less_or_equal": torch.le,
    "greater": torch.gt,
    "greater_or_equal": torch.ge,
    "remainder": torch.remainder,
    "fmod": torch.fmod,
    "bitwise_and": torch.bitwise_and,
    "bitwise_or": torch.bitwise_or,
    "bitwise_xor": torch.bitwise_xor,
    "bitwise_left_shift": torch.bitwise_left_shift,
    "bitwise_right_shift": torch.bitwise_right_shift,
}


def arithmetic(golden):
    edges = torch.tensor(EDGES, dtype=torch.int32)
    for op, function in BINARY.items():
        a = edges.reshape(-1, 1)
        b = edges
        if op in ("div", "remainder", "fmod"):
            # The processor's own division faults on the least number by -1: what wraps is computed in 64 bits.
            b = edges[edges != 0]
            y = function(a.long(), b.long()).int()
        elif op == "pow":
            b = torch.arange(-4, 40, dtype=torch.int32)
            y = function(a, b)
        elif op.endswith("shift"):
            b = torch.arange(0, 32, dtype=torch.int32)
            y = function(a, b)
        else:
            y = function(a, b).int()
        golden.case(op, op, {})
        golden.add(op, {"a": a, "b": b, "y": y.int()})
    for op, function in {"neg": torch.neg, "abs": torch.abs, "sign": torch.sign, "relu": torch.relu}.items():
        golden.case(op, op, {})
        golden.add(op, {"x": edges, "y": function(edges)})
    x = torch.randint(LEAST, MOST, (5, 3, 70), dtype=torch.int32)
    for axis in (0, 1, 2):
        whole = {"dim": axis, "dtype": torch.int32}
        reductions = {
            "sum": x.sum(**whole),
            "prod": x.prod(**whole),
            "max": x.amax(axis),
            "min": x.amin(axis),
        }
        for op, y in reductions.items():
            golden.case(f"{op}_{axis}", op, {"axis": axis})
            golden.add(f"{op}_{axis}", {"x": x, "y": y})


def casts(golden):
    x = [0.0, -0.0, 0.99, -0.99, 1.5, -1.5, 127.9, 128.0, 255.9, 256.0, 300.0, -129.0, 65535.5, 2.0**24 + 2]
    x += [2147483520.0, 2147483648.0, -2147483648.0, -2147483904.0, 3e9, -3e9, 4294967296.0, 1e19, -1e19, 3.4e38]
    x += [float("inf"), float("-inf"), float("nan"), 1e-40]
    x = torch.tensor(x)
    golden.case("cast", "cast", {})
    found = {name: x.to(dtype).int() for name, dtype in {"i32": torch.int32, "i8": torch.int8, "u8": torch.uint8}.items()}
    golden.add("cast", {"x_bits": x.view(torch.int32), **found, "bool": x.bool().int()})


def backward(golden, case, y, leaves):
    grad_y = torch.randn(y.shape).double()
    grads = torch.autograd.grad(y, list(leaves.values()), grad_y)
    golden.add(case, {"y": y, "grad_y": grad_y, **{f"grad_{leaf}": grad for leaf, grad in zip(leaves, grads)}})


def indices(golden):
    def leaf(*shape):
        return torch.randn(shape).double().requires_grad_(True)

    def named(case, op, parameters, tensors):
        golden.case(case, op, parameters)
        golden.add(case, tensors)

    shapes = [((7,), 0, (12,)), ((3, 4), 1, (2, 9)), ((3, 4), 0, (5, 4)), ((2, 3, 4, 5), 2, (2, 2, 6, 5)), ((2, 3, 4, 5), 1, (1, 8, 4, 3))]
    for number, (x_shape, axis, shape) in enumerate(shapes):
        index = torch.randint(0, x_shape[axis], shape)
        x = leaf(*x_shape)
        case = f"gather_elements_{number}"
        named(case, "gather_elements", {"axis": axis}, {"x": x, "indices": index})
        backward(golden, case, x.gather(axis, index), {"x": x})
        updates = leaf(*shape)
        case = f"scatter_elements_{number}"
        named(case, "scatter_elements", {"axis": axis, "reduction": "add"}, {"x": x, "indices": index, "updates": updates})
        backward(golden, case, x.scatter_add(axis, index, updates), {"x": x, "updates": updates})
        for reduction, name in {"prod": "mul", "amax": "max", "amin": "min"}.items():
            case = f"scatter_elements_{number}_{name}"
            tensors = {"x": x, "indices": index, "updates": updates}
            named(case, "scatter_elements", {"axis": axis, "reduction": name}, tensors)
            golden.add(case, {"y": x.detach().scatter_reduce(axis, index, updates.detach(), reduction)})
        # Each place once: what else is put there PyTorch leaves open.
        once = torch.argsort(torch.rand(x_shape), dim=axis)
        updates = leaf(*x_shape)
        case = f"scatter_elements_{number}_none"
        tensors = {"x": x, "indices": once, "updates": updates}
        named(case, "scatter_elements", {"axis": axis, "reduction": "none"}, tensors)
        backward(golden, case, x.scatter(axis, once, updates), {"x": x, "updates": updates})
        index = torch.randint(0, x_shape[axis], (6,))
        case = f"gather_{number}"
        named(case, "gather", {"axis": axis}, {"x": x, "indices": index})
        y = x.index_select(axis, index)
        backward(golden, case, y, {"x": x})
        updates = leaf(*y.shape)
        case = f"scatter_{number}"
        named(case, "scatter", {"axis": axis, "reduction": "add"}, {"x": x, "indices": index, "updates": updates})
        backward(golden, case, x.index_add(axis, index, updates), {"x": x, "updates": updates})
    for number, (x_shape, depth) in enumerate([((7,), 1), ((3, 4), 2), ((3, 4, 5), 1), ((3, 4, 5), 2), ((2, 3, 2, 3), 3)]):
        index = torch.stack([torch.randint(0, extent, (2, 5)) for extent in x_shape[:depth]], -1)
        places = tuple(index.unbind(-1))
        x = leaf(*x_shape)
        case = f"gather_nd_{number}"
        named(case, "gather_nd", {"batch": 0}, {"x": x, "indices": index})
        y = x[places]
        backward(golden, case, y, {"x": x})
        updates = leaf(*y.shape)
        case = f"scatter_nd_{number}"
        named(case, "scatter_nd", {"batch": 0, "reduction": "add"}, {"x": x, "indices": index, "updates": updates})
        backward(golden, case, x.index_put(places, updates, accumulate=True), {"x": x, "updates": updates})


def integers():
    golden = Golden("integers")
    arithmetic(golden)
    casts(golden)
    indices(golden)
    golden.save()
