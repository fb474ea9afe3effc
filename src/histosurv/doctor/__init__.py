"""What a machine, an installation and a study lack before a run, each with its mend."""
