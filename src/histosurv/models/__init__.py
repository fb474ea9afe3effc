"""Risk per patient: the recurrent network, the classical models, the pathologists."""
