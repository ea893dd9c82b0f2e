"""Numbers and days as people in Brazil read them."""

from datetime import date


def inteiro(valor: int) -> str:
    """`12.345`."""
    return f"{valor:,}".replace(",", ".")


def porcento(parte: float) -> str:
    """A share from 0 to 1: `12,5%`."""
    return f"{100 * parte:.1f}%".replace(".", ",")


def tempo(milissegundos: float) -> str:
    """`0,8 s`, `2 min 05 s` or `3 h 10 min`."""
    segundos = milissegundos / 1000
    if segundos < 60:
        return f"{segundos:.1f} s".replace(".", ",")
    minutos, resto = divmod(round(segundos), 60)
    if minutos < 60:
        return f"{minutos} min {resto:02d} s"
    return f"{minutos // 60} h {minutos % 60:02d} min"


def dia(valor: date) -> str:
    return f"{valor:%d/%m}"


def nome(codigo: str) -> str:
    """A code as a heading: `selecionar_produto` → `Selecionar produto`."""
    return codigo.replace("_", " ").strip().capitalize()
