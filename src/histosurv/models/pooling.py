"""One vector per patient for the models that know no sequence."""

import numpy as np
import pandas as pd

from histosurv.models.sequences import Sequences


def pool_mean(sequences: Sequences) -> pd.DataFrame:
    """Mean of the tiles of each spot, then of the spots of each patient.

    Returns
    -------
    pandas.DataFrame
        (n_patients, n_features) float64, indexed by ``patient_id`` in order.
    """
    spots = np.stack([spot.mean(axis=0, dtype=np.float64) for spot in sequences.spots])
    return pd.DataFrame(spots).groupby(sequences.patient_of, sort=True).mean()
