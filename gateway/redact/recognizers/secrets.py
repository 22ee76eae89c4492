"""Keys, tokens and private keys by the formats that their issuers document, and URIs that hold a password.

All of them are SECRET: what a value opens does not change what must happen to it. The name of a row says what it is.
"""

from __future__ import annotations

import base64
import binascii
import re

from gateway.redact.recognizers.table import Row, cased, keyed

SECRET = "SECRET"  # noqa: S105 - the name of an entity type
_LEFT = r"(?<![A-Za-z0-9])"
_RIGHT = r"(?![A-Za-z0-9])"
_WHOLE = 0.95
"""The score of a format that nothing else has."""

# Name, then a pattern in which case counts. They stand alone: nothing but another letter or digit may touch them.
_FORMATS = (
    ("AWS access key id", r"(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AIPA|ANPA|ANVA|AROA)[A-Z2-7]{16}"),
    ("AWS Bedrock key", r"ABSK[A-Za-z0-9+/]{60,200}={0,2}"),
    ("Google API key", r"AIza[A-Za-z0-9_\-]{35}"),
    ("Google OAuth client secret", r"GOCSPX-[A-Za-z0-9_\-]{20,40}"),
    ("Google OAuth token", r"ya29\.[A-Za-z0-9_\-]{20,500}"),
    ("Google OAuth refresh token", r"1//0[A-Za-z0-9_\-]{30,200}"),
    ("Azure AD client secret", r"[A-Za-z0-9_~.]{3}[78]Q~[A-Za-z0-9_~.\-]{31,34}"),
    ("GitHub token", r"gh[pousr]_[A-Za-z0-9]{30,255}"),
    ("GitHub fine-grained token", r"github_pat_[A-Za-z0-9_]{22,255}"),
    ("GitLab token", r"gl(?:pat|ptt|dt|rt|cbt|soat|agent|ft|imt|oas)-[A-Za-z0-9_\-.]{20,255}"),
    ("Slack token", r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9\-]{10,255}"),
    ("Slack app token", r"xapp-\d-[A-Za-z0-9\-]{20,255}"),
    ("Slack webhook", r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/+_\-]{20,120}"),
    ("Discord webhook", r"https://(?:[a-z]{2,8}\.)?discord(?:app)?\.com/api/webhooks/\d{15,20}/[A-Za-z0-9_\-]{40,100}"),
    ("Teams webhook", r"https://[a-z0-9\-]{1,60}\.webhook\.office\.com/webhookb2/[A-Za-z0-9@\-/]{40,250}"),
    ("Discord bot token", r"[MNO][A-Za-z0-9_\-]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}"),
    ("Telegram bot token", r"\d{8,10}:AA[A-Za-z0-9_\-]{32,34}"),
    ("Stripe key", r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,250}"),
    ("Stripe webhook secret", r"whsec_[A-Za-z0-9+/]{24,100}={0,2}"),
    ("Twilio id", r"(?:AC|SK)[0-9a-f]{32}"),
    ("SendGrid key", r"SG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{30,64}"),
    ("Mailgun key", r"(?:key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})"),
    ("Mailchimp key", r"[0-9a-f]{32}-us\d{1,2}"),
    ("Brevo key", r"xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    ("Resend key", r"re_[A-Za-z0-9]{6,10}_[A-Za-z0-9]{20,30}"),
    ("OpenAI or like key", r"sk-(?:[a-z0-9]{2,12}-){0,3}[A-Za-z0-9_\-]{20,250}"),
    ("Groq key", r"gsk_[A-Za-z0-9]{40,60}"),
    ("xAI key", r"xai-[A-Za-z0-9]{60,100}"),
    ("Perplexity key", r"pplx-[A-Za-z0-9]{40,60}"),
    ("Replicate token", r"r8_[A-Za-z0-9]{37,40}"),
    ("Hugging Face token", r"(?:hf|api_org)_[A-Za-z]{30,40}"),
    ("npm token", r"npm_[A-Za-z0-9]{36}"),
    ("PyPI token", r"pypi-AgE[A-Za-z0-9_\-]{50,500}"),
    ("RubyGems key", r"rubygems_[0-9a-f]{48}"),
    ("crates.io token", r"cio[A-Za-z0-9]{32}"),
    ("NuGet key", r"oy2[a-z0-9]{43}"),
    ("Docker token", r"dckr_(?:pat|oat)_[A-Za-z0-9_\-]{20,80}"),
    ("Heroku key", r"HRKU-[A-Za-z0-9_\-]{36,70}"),
    ("DigitalOcean token", r"do[por]_v1_[0-9a-f]{64}"),
    ("Shopify token", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    ("Square token", r"(?:EAAA[A-Za-z0-9_\-]{56,64}|sq0(?:atp|csp|idp)-[A-Za-z0-9_\-]{22,60})"),
    ("PayPal or Braintree token", r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}"),
    ("Plaid token", r"access-(?:sandbox|development|production)-[0-9a-f\-]{36}"),
    ("Razorpay key", r"rzp_(?:live|test)_[A-Za-z0-9]{14}"),
    ("Facebook token", r"EAA[A-Za-z0-9]{80,300}"),
    ("Instagram token", r"IG(?:QVJ|AA)[A-Za-z0-9_\-]{80,300}"),
    ("Twitter bearer token", r"AAAAAAAAAAAAAAAAAAAA[A-Za-z0-9%]{50,200}"),
    ("Databricks token", r"dapi[0-9a-f]{32}(?:-\d)?"),
    ("Datadog key", r"dd(?:api|app|pat)_[A-Za-z0-9_]{20,80}"),
    ("New Relic key", r"(?:NRAK-[A-Z0-9]{27}|NRJS-[0-9a-f]{19}|NRI[IQS]-[A-Za-z0-9_\-]{32})"),
    ("Dynatrace token", r"dt0[a-z]\d{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    ("Grafana token", r"gl(?:c|sa)_[A-Za-z0-9+/_]{32,250}={0,2}"),
    ("Sentry token", r"sntry[su]_[A-Za-z0-9+/=_]{40,250}"),
    ("Atlassian token", r"ATATT3[A-Za-z0-9_\-=]{50,300}"),
    ("Bitbucket token", r"ATBB[A-Za-z0-9_\-=]{28,100}"),
    ("Linear key", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,64}"),
    ("Notion token", r"(?:ntn_[A-Za-z0-9]{40,60}|secret_[A-Za-z0-9]{43})"),
    ("Figma token", r"fig[dou][rh]?_[A-Za-z0-9_\-]{38,60}"),
    ("Postman key", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    ("Airtable token", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ("Asana token", r"[12]/\d{13,20}(?:/\d{13,20})?:[0-9a-f]{32}"),
    ("HubSpot token", r"pat-(?:na|eu|ap)\d-[0-9a-f\-]{36}"),
    ("Intercom or Segment token", r"(?:dG9rO[A-Za-z0-9+/]{50,80}={0,2}|sgp_[A-Za-z0-9]{60,70})"),
    ("Doppler token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_\-]{2,35}\.)?[A-Za-z0-9]{40,44}"),
    ("Pulumi token", r"pul-[0-9a-f]{40}"),
    ("Terraform token", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,70}"),
    ("Vault token", r"(?:hv[sbr]|s)\.[A-Za-z0-9_\-]{24,300}"),
    ("Fly.io token", r"(?:fo1_[A-Za-z0-9_\-]{43}|fm[12][ar]?_[A-Za-z0-9+/]{80,500}={0,3})"),
    ("Supabase key", r"sb(?:p|_secret|_publishable)_[A-Za-z0-9_\-]{20,80}"),
    ("PlanetScale secret", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_\-=.]{32,64}"),
    ("Netlify token", r"nfp_[A-Za-z0-9]{36,40}"),
    ("Vercel token", r"vc[pkiar]_[A-Za-z0-9]{24,80}"),
    ("Mapbox secret token", r"sk\.eyJ[A-Za-z0-9_\-]{40,250}\.[A-Za-z0-9_\-]{16,40}"),
    ("Tailscale key", r"tskey-[a-z]{2,10}-[A-Za-z0-9]{8,24}(?:-[A-Za-z0-9]{16,40})?"),
    (
        "1Password token",
        r"(?:ops_eyJ[A-Za-z0-9+/_\-]{100,1500}={0,2}|A3-[A-Z0-9]{6}-(?:[A-Z0-9]{5,11}-){3,5}[A-Z0-9]{5})",
    ),
    ("age key", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    ("JSON web token", r"eyJ[A-Za-z0-9_\-]{8,4000}\.[A-Za-z0-9_\-]{8,8000}(?:\.[A-Za-z0-9_\-]{0,2000}){0,3}"),
)

# Formats that other values share, so a word before them is needed.
_KEYED = (
    (
        "AWS secret access key",
        r"(?:aws|amazon)?_?secret_?(?:access)?_?key(?:_?id)?|secret access key|SecretAccessKey",
        r"[\"'\s:=]{1,6}",
        r"[A-Za-z0-9/+]{40}",
    ),
    ("AWS session token", r"aws_?session_?token|SessionToken", r"[\"'\s:=]{1,6}", r"[A-Za-z0-9/+=]{80,2000}"),
    (
        "Azure storage key",
        r"AccountKey|SharedAccessKey|AZURE_STORAGE_KEY",
        r"[\"'\s:=]{1,6}",
        r"[A-Za-z0-9/+]{42,88}={1,2}",
    ),
    ("Azure signature", r"sig|signature", "=", r"[A-Za-z0-9%/+]{40,140}={0,2}"),
    ("Okta token", r"SSWS", r"[ \t]{1,3}", r"[A-Za-z0-9_\-]{40,44}"),
    ("bearer token", r"Bearer", r"[ \t]{1,3}[\"']?", r"[A-Za-z0-9._~+/\-]{16,4000}={0,2}"),
    (
        "authorization",
        r"Authorization",
        r"[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?(?:Token|Apikey|Key)[ \t]{1,3}",
        r"[^\s\"']{12,500}",
    ),
    (
        "proxy or netrc password",
        r"machine[ \t]\S{1,100}\s{1,4}login[ \t]\S{1,100}\s{1,4}password",
        r"[ \t]{1,4}",
        r"\S{4,200}",
    ),
    ("npm auth", r"_auth(?:Token)?", r"[ \t]{0,3}=[ \t]{0,3}[\"']?", r"[A-Za-z0-9+/_\-]{16,300}={0,2}"),
    (
        "session cookie",
        r"PHPSESSID|JSESSIONID|ASP\.NET_SessionId|connect\.sid|sessionid|session_id|session_token|csrftoken|sid",
        r"[\"']?[ \t]{0,2}[:=][ \t]{0,2}[\"']?",
        r"(?=[^\s;,\"']{0,60}\d)[A-Za-z0-9%._\-+/]{20,500}={0,2}",
    ),
)

_BEGIN = r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
_KEY_BLOCK = _BEGIN + r"(?>[^-]|-(?!----(?:BEGIN|END)))*+-----END (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
# Cut off before its end: what follows the beginning and looks like the inside of a key.
_CUT_KEY_BLOCK = (
    _BEGIN + r"(?:(?:\s|\\[nr]|[\"',+\\>])*+(?:[A-Za-z0-9+/=]{20,}|[A-Z][A-Za-z\-]{2,20}: [^\n\\]{1,100}))++"
    r"(?:(?:\s|\\[nr])*+[A-Za-z0-9+/=]{1,80}(?=\s*+\Z))?(?!\s*+-----END)"
)
_PUTTY_KEY = r"PuTTY-User-Key-File-[23]:(?>[^P]|P(?!rivate-MAC:|uTTY-User))*+(?:Private-MAC: [0-9a-f]{40,64})?"

_DOCUMENTED = re.compile(
    r"(?i)^(?:pass(?:word)?|pwd|pw|secret|x{2,}|\*{2,}|\.{2,}|\W.*[>}\]%]|\$\w+|your.*|my_?pass(?:word)?)$"
)
_URI_PASSWORD = re.compile(r"://[^\s:@/]*:([^\s@]*)@")
_JDBC_PASSWORD = re.compile(r"(?i)(?:password|pwd)=([^\s&;\"']*)")
_URI_END = r"[^\s\"'<>`)\]},;]"


def _holds_password(uri: str) -> bool:
    """Whether what stands where a password belongs is one, and no word for it as documentation has it."""
    found = _URI_PASSWORD.search(uri) or _JDBC_PASSWORD.search(uri)
    return found is not None and bool(found[1]) and not _DOCUMENTED.match(found[1])


def _is_basic(value: str) -> bool:
    """Whether the value is a name and a password as in HTTP's basic authentication (RFC 7617)."""
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        return False


def rows() -> list[Row]:
    alone = [Row(SECRET, name, f"{_LEFT}{cased(pattern)}{_RIGHT}", _WHOLE) for name, pattern in _FORMATS]
    after = [Row(SECRET, name, keyed(words, value, gap), 0.85) for name, words, gap, value in _KEYED]
    return [
        *alone,
        *after,
        Row(SECRET, "private key", cased(_KEY_BLOCK), _WHOLE),
        Row(SECRET, "cut private key", cased(_CUT_KEY_BLOCK), _WHOLE),
        Row(SECRET, "PuTTY key", cased(_PUTTY_KEY), _WHOLE),
        Row(
            SECRET,
            "basic authentication",
            keyed("Basic", r"[A-Za-z0-9+/]{6,400}={0,2}", r"[ \t]{1,3}"),
            check=_is_basic,
        ),
        Row(
            SECRET,
            "password in a URI",
            rf"{_LEFT}[a-z][a-z0-9+.\-]{{1,24}}://[^\s:@/\"'<>]{{0,64}}:[^\s@\"'<>]{{1,128}}@{_URI_END}"
            rf"{{1,300}}(?<![.!?:])",
            check=_holds_password,
        ),
        Row(
            SECRET,
            "password in a JDBC URI",
            r"jdbc:[a-z0-9:]{2,30}[^\s\"'<>`]{1,300}?(?:password|pwd)=[^\s&;\"']{1,128}(?:[&;][^\s\"'<>`)]{0,200})?",
            check=_holds_password,
        ),
    ]
