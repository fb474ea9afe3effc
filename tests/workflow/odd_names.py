"""Names that a shell, Snakemake, HTML or a table might read instead of passing them on."""

import pandas as pd

# As ids, names of columns, cells and, without their slashes, names of files.
ODD = [
    "$(touch PWNED)",
    "`touch PWNED`",
    "'; touch PWNED; '",
    '"; touch PWNED; "',
    "a\ntouch PWNED\nb",
    "&& touch PWNED &",
    "| tee PWNED",
    "< /dev/null > PWNED",
    "--out=PWNED",
    "-h",
    "* ? [a-z] ~ ! #",
    "{batch}{cohort}",
    "{0} {x} {} {{7*7}}",
    "<results> <x>",
    "%s %n %(x)s",
    "back\\slash\\",
    "../../PWNED",
    "</script><b id=PWNED>",
    "=HYPERLINK(1), \t$x$ \x1b[2J 患者 é",
    "NA",
]


def as_file(name):
    """A name for a file."""
    return name.replace("/", "")


def read(path):
    """A table as text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def canaries(folder):
    """What a shell would have made, had it read one of the names."""
    return [path for path in folder.rglob("PWNED") if path.name == "PWNED"]
