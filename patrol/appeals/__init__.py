"""Appeals (补签), decisions on doubts, and what a closed week holds."""
