"""What torch says of itself, the GPU and the encoder; run in a process of its own.

A torch that was built for another processor, or a GPU's sick driver, takes its process along or
hangs for ever. So `histosurv.doctor.gpu` runs this module, for a limited time, and reads one
JSON object per line: what was found out before a crash is kept.
"""

import json
import sys
import warnings
from collections.abc import Iterator

from histosurv.doctor.findings import in_words


def answers(encoder: str) -> Iterator[dict]:
    """Everything, a piece at a time."""
    yield {"stage": "the import of torch"}
    try:
        import torch
    except Exception as error:  # noqa: BLE001 - a library that does not load raises what it likes
        yield {"torch_error": in_words(error)}
        return
    yield {
        "torch": torch.__version__,
        "hub": torch.hub.get_dir(),
        "stage": "torch on the processor",
    }
    from histosurv.device import device_name, has_bf16

    cpu = torch.device("cpu")
    yield {"processor": device_name(cpu).removeprefix("CPU, "), "bf16": has_bf16(cpu)}
    torch.ones(64, 64).matmul(torch.ones(64, 64))
    yield {"stage": "the import of torchvision"}
    try:
        import torchvision

        yield {"torchvision": torchvision.__version__, "stage": "the encoder"}
    except Exception as error:  # noqa: BLE001 - as above
        yield {"torchvision_error": in_words(error)}
    else:
        yield _encoder(encoder)
    yield {"stage": "the GPU"}
    yield _gpus()
    yield {"stage": ""}


def _gpus() -> dict:
    """Whether there is a GPU that computes, or why not."""
    import torch

    found = {
        "cuda": torch.version.cuda or "",
        "rocm": torch.version.hip or "",
        "architectures": torch.cuda.get_arch_list(),
        "gpus": [],
    }
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        is_there = torch.cuda.is_available()
    if not is_there:
        why = [str(each.message) for each in told]
        try:
            torch.cuda.init()
        except Exception as error:  # noqa: BLE001 - drivers fail in many ways
            why.append(str(error))
        return found | {"no_gpu": " ".join(why[0].split())[:300] if why else ""}
    for number in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(number)
        found["gpus"].append(
            {
                "name": about.name,
                "memory": about.total_memory,
                "capability": f"{about.major}.{about.minor}",
            }
        )
    try:
        # The first GPU is the one that steps take.
        found["free"] = torch.cuda.mem_get_info(0)[0]
        ones = torch.ones(1, 8, 32, 32, device="cuda")
        filters = torch.ones(4, 8, 3, 3, device="cuda")
        sums = torch.nn.functional.conv2d(ones, filters).flatten(1)
        total = float((sums @ sums.T).sum())
        if total != 72.0**2 * sums.numel():
            found["gpu_error"] = f"a sum came out as {total}"
    except Exception as error:  # noqa: BLE001 - as above
        found["gpu_error"] = in_words(error)
    return found


def _encoder(name: str) -> dict:
    """How many numbers an encoder makes of a tile, and where its weights are published."""
    import torchvision

    from histosurv.errors import InputError
    from histosurv.features.networks import SHORTCUTS, classifier, unknown, without_head

    try:
        if not name:
            return {}
        if name == "vgg16":
            url = torchvision.models.VGG16_Weights.IMAGENET1K_V1.url
            return {"width": 4096, "file": url.rsplit("/", 1)[-1], "url": url}
        if name.startswith("torchvision/"):
            short = name.removeprefix("torchvision/")
            model = classifier("torchvision", short, {}, empty=True)
            linear = [each for each in model.modules() if hasattr(each, "in_features")]
            without_head(model, "torchvision", short)
            url = torchvision.models.get_model_weights(short).DEFAULT.url
            return {
                "width": linear[-1].in_features,
                "file": url.rsplit("/", 1)[-1],
                "url": url,
            }
        if name.startswith("timm/"):
            short = name.removeprefix("timm/")
            width = classifier("timm", short, {}, empty=True).num_features
            return {"width": width, "repository": f"timm/{short}"}
        if name.startswith("hub/"):
            return {"repository": name.removeprefix("hub/")}
        if name in SHORTCUTS:
            return {"repository": SHORTCUTS[name].hub}
        raise unknown(name, ["vgg16", *SHORTCUTS])
    except ModuleNotFoundError:  # timm, which is told where weights are
        return {}
    except InputError as error:
        return {"encoder_error": str(error)}
    except Exception as error:  # noqa: BLE001 - as above
        return {"encoder_error": f"the encoder {name} cannot be built ({in_words(error)})"}


if __name__ == "__main__":
    for answer in answers(sys.argv[1]):
        print(json.dumps(answer), flush=True)
