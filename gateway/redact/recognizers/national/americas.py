"""Brazil, Mexico, Argentina, Chile, Colombia. Sources: Receita Federal, RENAPO and SAT, by python-stdnum."""

from __future__ import annotations

from stdnum.ar import cuit
from stdnum.br import cnpj, cpf
from stdnum.cl import rut
from stdnum.mx import rfc

from gateway.redact.recognizers.table import LABEL_GAP, Row, after, joined


def taxpayer(value: str) -> bool:
    """A Mexican RFC of a person. Its last sign is often a stand-in, so only its form and date are checked."""
    return rfc.is_valid(joined(value), validate_check_digits=False)


def rows() -> list[Row]:
    return [
        Row("BR_CPF", "CPF", r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b", check=cpf.is_valid),
        Row(
            "BR_CPF",
            "CPF without signs",
            r"\b\d{3}[ .]?\d{3}[ .]?\d{3}[ \-]?\d{2}\b",
            0.3,
            cpf.is_valid,
            certain=False,
            context=("cpf", "contribuinte", "cadastro"),
        ),
        after("BR_CPF", "CPF with a slip", r"\bcpf", r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}"),
        Row("BR_CNPJ", "CNPJ", r"\b\d{2}\.?\d{3}\.?\d{3}/\d{4}-?\d{2}\b", check=cnpj.is_valid),
        after("BR_CNPJ", "CNPJ without signs", r"\bcnpj", r"\d{14}|\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}", cnpj.is_valid),
        after(
            "BR_RG",
            "RG",
            r"\brg\b|registro geral|identidade",
            r"\d{1,2}\.?\d{3}\.?\d{3}-?[0-9X]",
        ),
        after("BR_CNH", "CNH", r"\bcnh|carteira de (?:motorista|habilita[çc][ãa]o)", r"\d{11}|\d{9}"),
        after("BR_PIS", "PIS", r"\bpis(?:/pasep)?\b|\bpasep|\bnis\b|\bnit\b", r"\d{3}\.?\d{5}\.?\d{2}-?\d"),
        Row(
            "MX_CURP",
            "CURP",
            r"\b[A-Z][AEIOUX][A-Z]{2}\d{2}(?:0\d|1[0-2])[0-3]\d[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[A-Z0-9]\d\b",
            0.9,
        ),
        Row(
            "MX_RFC",
            "RFC",
            r"\b(?-i:[A-ZÑ&]{4})-?\d{2}(?:0\d|1[0-2])[0-3]\d-?(?-i:[A-Z0-9]{2}[0-9A])\b",
            0.65,
            taxpayer,
        ),
        after("MX_NSS", "NSS", r"\bnss\b|\bimss\b|seguro social", r"\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?\d{4}[ -]?\d"),
        after("MX_INE", "INE", r"\bine\b|clave de elector|\bife\b", r"[A-Z]{6}\d{8}[HM]\d{3}", None, LABEL_GAP),
        Row(
            "AR_CUIT",
            "CUIT",
            r"\b(?:20|2[3-7]|30|33|34)-\d{8}-\d\b",
            check=cuit.is_valid,
        ),
        after("AR_DNI", "DNI argentino", r"\bd\.?n\.?i\.?", r"\d{1,2}\.\d{3}\.\d{3}"),
        Row("CL_RUT", "RUT", r"\b\d{1,2}\.\d{3}\.\d{3}-[\dK]\b", check=rut.is_valid),
        after("CL_RUT", "RUT without dots", r"\bru[tn]\b", r"\d{7,8}-?[\dK]", rut.is_valid),
        after(
            "CO_CC",
            "cédula",
            r"c[ée]dula(?: de (?:ciudadan[íi]a|identidad))?|\bc\.c\.",
            r"\d{1,3}(?:\.\d{3}){2,3}|\d{6,10}(?:-\d)?",
        ),
    ]
