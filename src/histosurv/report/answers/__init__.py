"""What a run can say to the items of reporting checklists, one module per part of a study."""
