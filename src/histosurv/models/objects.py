"""Fitted models of scikit-learn as bytes: the same for the same model."""

import io
import re
import zipfile

_SCHEMA = "schema.json"
_ADDRESS = re.compile(r'(?<="__id__": )\d+|\d+(?=\.npy")|\d+(?=\.npz")')


def same_bytes(content: object) -> bytes:
    """An object in the format of skops, without what differs each time.

    skops numbers objects by their place in memory, and its archive tells the time. Here they are
    numbered in the order in which they come, and it is always the same day.
    """
    import skops.io  # takes seconds: it looks at every module of scikit-learn

    numbers: dict[str, str] = {}

    def number(address: re.Match) -> str:
        return numbers.setdefault(address[0], str(len(numbers)))

    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(skops.io.dumps(content))) as archive,
        zipfile.ZipFile(out, "w") as copy,
    ):
        schema = _ADDRESS.sub(number, archive.read(_SCHEMA).decode("utf-8"))
        names = {name: _ADDRESS.sub(number, f'{name}"')[:-1] for name in archive.namelist()}
        for name in sorted(names, key=names.__getitem__):
            written = schema.encode() if name == _SCHEMA else archive.read(name)
            copy.writestr(zipfile.ZipInfo(names[name]), written)
    return out.getvalue()
