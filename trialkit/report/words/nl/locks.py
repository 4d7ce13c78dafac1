"""What a lock proves and does not prove, in Dutch: by the sentences that a run stores."""

from __future__ import annotations

__all__ = ["LOCKS"]

_TAMPER_EN = "It is tamper-evident: anyone who kept the manifest hash can see whether plan, seeds or expected data changed since."
_TAMPER = "Knoeien valt op: wie de hash van de vastlegging heeft bewaard, kan zien of plan, startgetallen of verwachte gegevens sindsdien zijn veranderd."
_ONE_EN = "A hash proves that this plan existed, not that it was the only one."
_ONE = "Een hash bewijst dat dit plan er was, niet dat het het enige was."

_LEVELS = {
    f"Level L0 (local). {_TAMPER_EN} It does not prove when it was made, nor that no other plan was locked: for that, give the hash to someone else now.": (
        f"Niveau L0 (lokaal). {_TAMPER} Het bewijst niet wanneer het is gemaakt, en ook niet dat er geen ander plan is vastgelegd: geef daarvoor de hash nu aan iemand anders."
    ),
    f"Level L1 (timestamped). {_TAMPER_EN} A timestamp beside the lock names its hash. The timestamp is kept, not verified here: its issuer's certificate, or the chain it is anchored in, "
    f"tells when the hash existed. {_ONE_EN}": (
        f"Niveau L1 (tijdstempel). {_TAMPER} Een tijdstempel naast de vastlegging noemt haar hash. Het tijdstempel is bewaard, hier niet gecontroleerd: het certificaat van de uitgever, of de "
        f"keten waarin het is verankerd, zegt wanneer de hash er was. {_ONE}"
    ),
    f"Level L1 is claimed, not checked: a timestamp is kept beside the lock, but the hash of this lock does not stand in it. {_TAMPER_EN} It does not prove when it was made, nor that no other "
    "plan was locked.": (
        f"Niveau L1 wordt beweerd, niet gecontroleerd: naast de vastlegging staat een tijdstempel, maar de hash van deze vastlegging staat er niet in. {_TAMPER} Het bewijst niet wanneer het is "
        "gemaakt, en ook niet dat er geen ander plan is vastgelegd."
    ),
    f"Level L2 (public registration): preregistered. The stored text of the registration carries the full manifest hash. {_TAMPER_EN} That the registry shows this text, and since when, is to be "
    f"looked up there: it is not verified here. {_ONE_EN}": (
        f"Niveau L2 (openbare registratie): vooraf geregistreerd. De bewaarde tekst van de registratie bevat de volledige hash van de vastlegging. {_TAMPER} Dat het register deze tekst toont, en sinds "
        f"wanneer, is daar op te zoeken: het is hier niet gecontroleerd. {_ONE}"
    ),
    f"Level L2 is claimed, not checked: no stored text of a public registration with its number carries this hash. {_TAMPER_EN} It does not prove when it was made, nor that no other plan was locked: for that, give the hash to someone "
    "else now. Whether the registry holds this hash, and since when, must be looked up there.": (
        f"Niveau L2 wordt beweerd, niet gecontroleerd: geen bewaarde tekst van een openbare registratie met haar nummer bevat deze hash. {_TAMPER} Het bewijst niet wanneer het is gemaakt, en ook niet dat er geen ander plan is vastgelegd: geef "
        "daarvoor de hash nu aan iemand anders. Of het register deze hash bevat, en sinds wanneer, moet daar worden opgezocht."
    ),
    f"Level L3 (held by someone else): preregistered. A statement of a third party carries the full manifest hash. {_TAMPER_EN} Who wrote the statement, and when, is not verified here: ask them. "
    f"{_ONE_EN}": (
        f"Niveau L3 (in handen van een ander): vooraf geregistreerd. Een verklaring van een derde bevat de volledige hash van de vastlegging. {_TAMPER} Wie de verklaring schreef, en wanneer, is hier "
        f"niet gecontroleerd: vraag het hun. {_ONE}"
    ),
    "Level L3 is claimed, not checked: a statement of a third party is kept beside the lock, but the hash of this lock does not stand in it. "
    f"{_TAMPER_EN} It does not prove when it was made, nor that no other plan was locked.": (
        f"Niveau L3 wordt beweerd, niet gecontroleerd: naast de vastlegging staat een verklaring van een derde, maar de hash van deze vastlegging staat er niet in. {_TAMPER} Het bewijst niet wanneer het is "
        "gemaakt, en ook niet dat er geen ander plan is vastgelegd."
    ),
}
_ENDS = {
    "; the lock before it ({x1}) is not here to be compared.": "; de vastlegging daarvoor ({x1}) is hier niet om mee te vergelijken.",
    "; {x1} is the lock that was amended.": "; {x1} is de vastlegging die is gewijzigd.",
}
_AMENDED = {
    f"{english} The plan was amended {{n}} {times}: {{x}}{end}": f"{dutch} Het plan is {{n}} keer gewijzigd: {{x}}{slot}"
    for english, dutch in _LEVELS.items()
    for times in ("time", "times")
    for end, slot in _ENDS.items()
}

LOCKS = {
    "This plan was not locked before the run: nothing shows that it was written before the data were seen.": (
        "Dit plan is niet vastgelegd vóór de analyse: niets laat zien dat het is geschreven voordat de gegevens waren bekeken."
    ),
    **_LEVELS,
    **_AMENDED,
}
