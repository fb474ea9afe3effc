"""Small releases of published cohorts, fabricated: their folders, columns and oddities."""

import json
from pathlib import Path

CLINICAL = [
    ("001", "living", 2258, 65, "male"),
    ("002", "deceased tumor specific", 487, 62, "male"),
    ("003", "deceased not tumor specific", 1827, 60, "female"),
    ("004", "deceased", 700, 71, "male"),
]
PATHOLOGICAL = [
    ("001", "pT4a", "pN2c", "G3", "Larynx", "not_tested"),
    ("002", "pT1b", "NX", "G1", "CUP", "negative"),
    ("003", "pTis", "pN0", "hpv_association_p16", "Oropharynx", "positive"),
]
SURGEN = """\
case_id,died_within_5_years,days_till_death,crc_primary_cause_of_death,age_at_diagnosis,sex,\
site_of_tumour_grouping,stage,pT,pN,differentiation,mmr_loss_binary
001,1,711,,91,F,rectum,1,ypT2,NX,Mod (areas of poor),0
003,1,974,1,65,F,caecum,2,Pt4b,pN1,Poor,1
004,NULL,NULL,,43,M,rectum,1,pT2,N0,Mod,0
006,0,Alive,,58,F,,3C,pT,,Mod to Poor,0
007,1,1884,1,64,M,rectum,2,pT3,N0,,0
430,1,Err:502,1,74,F,sigmoid colon,2,pT4a,N0,Well (focally mod),0
"""
DLBCL = """\
patient_id,MYC IHC,Age,LDH,Stage,IPI Score,OS,PFS,Follow-up Status
13901,0,61.0,1,4.0,4,2.78,2.78,1
13902.0,,55.0,0,2.0,1,7.5,7.5,0
13903,,70,,,3,,,0
"""
REGIONS = """\
patient_id,tma_id,stain,xs,ys,xe,ye
13901,TA232,HE,100,200,1100,1700
13901,TA232,HE,5000,200,6000,1700
13902,TA233,HE,10,20,30,50
13901,TA240,MYC,1,1,9,9
"""


def core_map(**patients):
    rows = [f"{row}-{column}" for row in range(1, 13) for column in range(1, 7)]
    filled = patients or {core: "2" for core in rows if not core.startswith("12-")}
    filled |= {"1-1": "1"}
    return "core,Case ID\n" + "".join(f"{core},{filled.get(core, '')}\n" for core in rows)


def write_releases():
    """All three, in the working folder."""
    keys = ["patient_id", "survival_status_with_cause", "days_to_last_information"]
    keys += ["age_at_initial_diagnosis", "sex"]
    records = [dict(zip(keys, row, strict=True)) | {"recurrence": None} for row in CLINICAL]
    write("hancock/StructuredData/clinical_data.json", json.dumps(records))
    keys = ["patient_id", "pT_stage", "pN_stage", "grading", "primary_tumor_site"]
    keys += ["hpv_association_p16"]
    records = [dict(zip(keys, row, strict=True)) for row in PATHOLOGICAL]
    write("hancock/StructuredData/pathological_data.json", json.dumps(records))
    write("surgen/SR386_labels.csv", SURGEN)
    write("surgen/features/SR386_40X_HE_T001_01.h5", "")
    write("surgen/features/SR386_40X_HE_T3.npz", "")
    write("surgen/features/SR1482_40X_HE_T003_01.h5", "")
    write("dlbcl_morph/clinical_data_cleaned.csv", DLBCL)
    write("dlbcl_morph/TMA/annotations.csv", REGIONS)
    for array in ("TA232", "TA233"):
        write(f"dlbcl_morph/TMA/HE/{array}.svs", "")


def write(name, text):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
