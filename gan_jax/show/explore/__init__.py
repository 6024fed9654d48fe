"""A page on the loopback address that draws from a generator while one looks: `gan-jax explore`.

By Bokeh's own server, which the extra `report` has installed already: nothing new but for that. Beside it pip would
bring 35 MB (NiceGUI 3.18), 121 MB (Panel 1.10, which is Bokeh with more around it), 132 MB (Streamlit 1.67) or 156 MB
(Gradio 6.31); the last two send statistics of use unless they are told not to (Python 3.12, 2026-11-26). Sliders stream
over one websocket, pictures come as pixels, not as files, a tool paints by hand, and all scripts are served from here.
"""
