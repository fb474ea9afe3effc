"""Who is studied and what became of them: tables, endpoint, folds, simulated cohort."""
