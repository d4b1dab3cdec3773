"""Addresses as people write them, compared in one spelling."""

import pytest

from registry.address_text import AddressParts, normalised, parts_of

NAMES = ("栖霞区", "仙林街道", "仙林新村社区")
DOOR = "文苑路12号3幢2单元401室"


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("文苑路12号3幢2单元401室", DOOR),
        ("文苑路１２号三栋二单元 401", DOOR),
        ("江苏省南京市栖霞区仙林街道文苑路12号3幢2单元401室", DOOR),
        ("栖霞区仙林街道仙林新村社区文苑路12号3号楼2单元401", DOOR),
        ("文苑路12号3-2-401", DOOR),
        ("文苑路十二号3座2门401室", DOOR),
        ("文苑路12號３棟2單元，401室", DOOR),
        ("文苑路012号3幢2单元401室", DOOR),
        ("和园东区3号楼", "和园东区3幢"),
        ("龙湾一街五号", "龙湾一街5号"),
        ("亚东广场a座12楼", "亚东广场A幢12层"),
        ("三牌楼大街一百零三号", "三牌楼大街103号"),
        ("仙林街道", "仙林街道"),
        ("", ""),
    ],
)
def test_one_spelling(written: str, compared: str) -> None:
    assert normalised(written, NAMES) == compared
    assert normalised(compared, NAMES) == compared, "compared again it stays"


@pytest.mark.parametrize(
    ("plain", "parts"),
    [
        (DOOR, AddressParts("文苑路", "文苑路12号", "文苑路12号3幢")),
        ("和园东区3幢", AddressParts("和园东区", None, "和园东区3幢")),
        ("文苑路", AddressParts("文苑路", None, None)),
    ],
)
def test_parts(plain: str, parts: AddressParts) -> None:
    assert parts_of(plain) == parts
