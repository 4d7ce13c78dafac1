"""Mixed models of one outcome by REML, with groups in some arms or crossed effects."""
