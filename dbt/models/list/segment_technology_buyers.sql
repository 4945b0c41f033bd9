{{ segment(condition = "bought_category('Technology', within_days=90)") }}
