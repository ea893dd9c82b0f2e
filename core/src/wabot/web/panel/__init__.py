"""`/painel/`: where the people of a business look after their chatbot, in a browser. Rendered here, no build step.

A page of one chatbot is a handler among the routers of `mount`, under `/painel/{chatbot_id}/`::

    navigation.add(PanelPage("horarios/", "Horários"))

    @get("/horarios/")
    async def horarios(request: Request[Person, Any, Any], chatbot: NamedDependency[ChatbotOut]) -> Template:
        return page(request, "horarios.html", rows=await rows_of(chatbot.id))

    @post("/horarios/", guards=[needs("dono")])
    async def change_horarios(...)

When a handler is called, somebody is signed in who may see the chatbot, the database refuses writes to the rows of any
other, and what `audit.record` writes has their name. Its template extends `painel/base.html`; each form that changes
something has `{{ csrf_input|safe }}` in it, and fields come from `painel/campos.html`. Browsers are told to ignore any
style or script inside a page.
"""
