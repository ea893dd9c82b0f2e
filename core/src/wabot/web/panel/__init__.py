"""`/painel/`: where the people of a business look after their chatbot, in a browser. Rendered here, no build step."""
