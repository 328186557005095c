"""People's labels of a candidate's answers: which are asked, and how they correct the judges."""
