"""People: what they are asked, when their answers settle a label, how far they agree."""
