"""How good a recogniser is: metrics, calibration, confusions, attention pictures and the report."""
