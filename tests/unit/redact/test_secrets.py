"""Secrets: the value alone is found, and what stands in code or in questions about passwords is not."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable

import pytest

from gateway.redact.recognizers import passwords, secrets
from tests.unit.redact.rows import Finder

Find = Callable[[str], set[str]]


@pytest.fixture(scope="module")
def find() -> Finder:
    return Finder([*secrets.rows(), *passwords.rows()])


def made(length: int, signs: str = string.ascii_letters + string.digits) -> str:
    return "".join(random.Random(length).choices(signs, k=length))


HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + "234567"

FORMATS = [
    "AKIAIOSFODNN7EXAMPLE",
    "AIza" + made(35),
    "ghp_" + made(36),
    "github_pat_" + made(60),
    "glpat-" + made(20),
    "xoxb-17653672481-19874698323-" + made(24),
    "https://hooks.slack.com/services/T00000000/B00000000/" + made(24),
    "sk_live_" + made(24),
    "SG." + made(22) + "." + made(43),
    "key-" + made(32, HEX),
    "sk-proj-" + made(48),
    "sk-ant-api03-" + made(80),
    "hf_" + made(34, string.ascii_letters),
    "npm_" + made(36),
    "pypi-AgEIcHlwaS5vcmc" + made(60),
    "dckr_pat_" + made(27),
    "dop_v1_" + made(64, HEX),
    "shpat_" + made(32, HEX),
    "123456789:AA" + made(33),
    "dapi" + made(32, HEX),
    "NRAK-" + made(27, string.ascii_uppercase),
    "lin_api_" + made(40),
    "figd_" + made(40),
    "PMAK-" + made(24, HEX) + "-" + made(34, HEX),
    "hvs." + made(30),
    "AGE-SECRET-KEY-1" + made(58, string.ascii_uppercase),
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ." + made(43),
    "postgres://app:hunter2secret@db.internal:5432/app",
    "mongodb+srv://root:hunter2secret@cluster0.mongodb.net",
    "redis://:p4ssw0rd@10.0.0.1:6379/0",
    "https://bob:s3cr3t@git.example.com/repo.git",
    "jdbc:mysql://db:3306/x?user=root&password=geheim1",
]


@pytest.mark.parametrize("secret", FORMATS)
def test_a_format_is_found_wherever_it_stands(find: Finder, secret: str) -> None:
    for text in (f"what is {secret} for?", f'value: "{secret}"', secret):
        assert secret in find(text)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("DB_PASSWORD=correcthorse", "correcthorse"),
        ("export GITHUB_TOKEN='abcdef1234567890'", "abcdef1234567890"),
        ('dbPassword = "letmein!!"', "letmein!!"),
        ('{"client_secret": "8abcDEF123.xyz"}', "8abcDEF123.xyz"),
        ("api_key: a8f5f167f44f4964e6c998dee827110c", "a8f5f167f44f4964e6c998dee827110c"),
        ("Server=db;User ID=sa;Password=Pa$$w0rd;Encrypt=true", "Pa$$w0rd"),
        ("password: swordfish", "swordfish"),
        ("my password is Tr0ub4dor&3, help", "Tr0ub4dor&3"),
        ("the wifi password for guests is Kaffee&Kuchen.", "Kaffee&Kuchen"),
        ("Passwort: Sommer2024!", "Sommer2024!"),
        ("mot de passe : Soleil#88", "Soleil#88"),
        ("contraseña: gato1234", "gato1234"),
        ("A senha é Abacaxi77.", "Abacaxi77"),
        ("wachtwoord is Fiets!2024", "Fiets!2024"),
        ("hasło: Kot12345", "Kot12345"),
        ("la contraseña del wifi es Perro_99", "Perro_99"),
        ("login: bob / pw: swordfish1", "swordfish1"),
        ("credentials admin:hunter2", "hunter2"),
        ("the pin is 4821", "4821"),
        ("my card pin 4821 does not work", "4821"),
        ("mysql --password=hunter22 -u root", "hunter22"),
        ("Authorization: Bearer abcdefghijklmnop1234", "abcdefghijklmnop1234"),
        ("AccountKey=" + "a1B2" * 21 + "==;EndpointSuffix=x", "a1B2" * 21 + "=="),
        ("aws_secret_access_key = " + "wJalrXUtnF/" * 3 + "EMIK7MD", "wJalrXUtnF/" * 3 + "EMIK7MD"),
    ],
)
def test_only_the_value_of_an_assignment_is_found(find: Finder, text: str, secret: str) -> None:
    assert secret in find(text)


def test_basic_authentication_is_found(find: Finder) -> None:
    value = base64.b64encode(b"aladdin:opensesame").decode()
    assert value in find(f"Authorization: Basic {value}")


BODY = "\n".join(made(64) for _ in range(4))
BLOCK = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f"deploy key:\n{BLOCK}\nis it safe?", BLOCK),
        ('{"private_key": "' + BLOCK.replace("\n", "\\n") + '"}', BLOCK.replace("\n", "\\n")),
        (BLOCK.partition("\n-----END")[0], BLOCK.partition("\n-----END")[0]),
        (BLOCK.partition("\n-----END")[0] + "\n\nWhat is this?", BLOCK.partition("\n-----END")[0]),
    ],
)
def test_private_keys_are_found_whole_and_cut(find: Finder, text: str, key: str) -> None:
    assert key in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "how do I reset my password?",
        "password must be 12 characters",
        "password is incorrect",
        "the password is case-sensitive and long",
        "def login(user: str, password: str) -> Token:",
        'password = os.environ["PW"]',
        "token = get_token(user)",
        "const token = process.env.TOKEN",
        "API_KEY=<your-key>",
        "API_KEY=your-api-key-here",
        "password: ${DB_PASSWORD}",
        "PASSWORD=$PASSWORD",
        "password=xxxxxxxx",
        '"password": "********"',
        "max_tokens: 4096",
        "token_type: bearer",
        "secret = None",
        "integrity: sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "git commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad",
        "uuid 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "GPIO pin 13 is high",
        "postgres://user:password@localhost/db",
        "postgres://user:${PASS}@localhost/db",
        "passwordField.value = newPassword",
        'headers = {"Authorization": f"Bearer {token}"}',
        "password_hash = bcrypt.hashpw(password, salt)",
        "if password == confirm_password:",
        "secrets: inherit",
        "login http://localhost:8080/index2",
        "self.key_password = key_password",
        "handle = msvcrt.get_osfhandle(fd)",
        'tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")',
        "kubectl get secret my-secret -o yaml",
        "Basic understanding of maths",
        "the file starts with -----BEGIN RSA PRIVATE KEY----- I think",
        "pip install numpy==1.26.4",
        "color: #ff00aa; background: url(data:image/png;base64,iVBORw0KGgo=)",
    ],
)
def test_what_is_no_secret_is_left_alone(find: Finder, text: str) -> None:
    assert find(text) == set()
