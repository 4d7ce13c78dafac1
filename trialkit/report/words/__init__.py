"""What a report says in each language: `english` and `dutch` are made of the twins in `en` and `nl`."""
