"""What the demonstration shop sells: name, description, price in centavos, stock (None: not counted), picture."""

from pathlib import Path
from typing import NamedTuple

FOTOS = Path(__file__).parent / "fotos"


class Prato(NamedTuple):
    nome: str
    descricao: str
    preco: int
    foto: str
    estoque: int | None = None


CARDAPIO: dict[str, list[Prato]] = {
    "Marmitas": [
        Prato("Feijoada completa", "arroz, couve, farofa e laranja", 2990, "feijoada"),
        Prato("Frango grelhado", "com legumes da estação", 2490, "frango"),
        Prato("Strogonoff de carne", "com arroz e batata palha", 2790, "strogonoff"),
        Prato("Moqueca de peixe", "com pirão e arroz", 3690, "moqueca", 8),
        Prato("Salada do mercado", "folhas, grãos e molho da casa", 2190, "salada"),
    ],
    "Porções": [
        Prato("Batata frita", "serve duas pessoas", 1990, "batata"),
        Prato("Camarão empanado", "doze unidades", 4290, "camarao", 5),
    ],
    "Bebidas": [
        Prato("Suco de laranja", "500 ml, feito na hora", 990, "suco"),
        Prato("Guaraná", "lata", 690, "guarana"),
        Prato("Chope", "300 ml, só para maiores", 1190, "chope"),
        Prato("Água mineral", "com ou sem gás", 450, "agua"),
    ],
    "Sobremesas": [
        Prato("Pudim de leite", "fatia generosa", 1290, "pudim"),
        Prato("Bolo de morango", "fatia", 1490, "bolo"),
        Prato("Sorvete", "duas bolas", 1190, "sorvete"),
    ],
}
