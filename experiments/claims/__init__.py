"""Claims: experiments that check a sentence of the literature, or of this documentation."""
