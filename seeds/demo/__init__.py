"""A made-up street to look at: synthetic shapes, invented people, four weeks of patrols."""
