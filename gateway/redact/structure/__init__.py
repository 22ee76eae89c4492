"""Personal data that the layout of a text gives away: tables, fields, headers, logs, letters. One file per kind."""
