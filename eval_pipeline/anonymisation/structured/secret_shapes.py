"""The shapes of keys by which providers let their own keys be recognised.

The families are those that gitleaks knows; the rules are our own.
"""

from typing import Final

_ALNUM: Final = "[A-Za-z0-9]"
_HEX: Final = "[a-f0-9]"
_WIDE: Final = r"[A-Za-z0-9_\-]"

FIRST_SHAPES: Final = (
    # Model providers
    rf"sk-{_WIDE}{{16,250}}", rf"gsk_{_ALNUM}{{40,60}}", rf"xai-{_ALNUM}{{40,120}}",
    rf"hf_{_ALNUM}{{30,40}}", rf"r8_{_ALNUM}{{30,50}}", rf"pplx-{_ALNUM}{{32,64}}",
    rf"lsv2_[a-z]{{2}}_{_WIDE}{{30,90}}", rf"pcsk_{_WIDE}{{30,120}}", rf"jina_{_ALNUM}{{30,80}}",
    # Clouds
    r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}", rf"AIza{_WIDE}{{30,40}}",
    rf"ya29\.{_WIDE}{{20,400}}", rf"GOCSPX-{_WIDE}{{20,40}}", rf"do[oprt]_v1_{_HEX}{{64}}",
    rf"LTAI{_ALNUM}{{12,30}}", rf"AKID{_ALNUM}{{13,40}}", rf"dapi{_HEX}{{32}}(?:-[0-9])?",
     rf"HRKU-{_WIDE}{{30,70}}",
    rf"fo1_{_WIDE}{{40,50}}|fm[12]_{_WIDE}{{40,500}}", rf"sbp_{_HEX}{{40}}",
    rf"pscale_(?:tkn|pw|oauth)_{_WIDE}{{32,64}}", rf"ocid1\.user\.oc1\.\.{_ALNUM}{{60}}",
    # Payment
    rf"(?:sk|pk|rk)_(?:live|test|prod)_{_ALNUM}{{10,200}}", rf"whsec_{_ALNUM}{{24,64}}",
    rf"sq0(?:atp|csp|idp)-{_WIDE}{{20,60}}", rf"EAAA{_WIDE}{{56,300}}",
    rf"access_token\$(?:production|sandbox)\$[a-z0-9]{{16}}\${_HEX}{{32}}",
    rf"FLW(?:SECK|PUBK)(?:_TEST)?-{_HEX}{{12,40}}(?:-X)?", rf"EZ[AT]K{_ALNUM}{{54}}",
    # Code and packages
    rf"gh[pousr]_{_ALNUM}{{20,255}}", r"github_pat_[A-Za-z0-9_]{22,255}",
    rf"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|ffct)-{_WIDE}{{20,100}}",
    rf"ATBB{_ALNUM}{{32}}", rf"ATATT3{_WIDE}{{60,250}}=?", rf"npm_{_ALNUM}{{30,40}}",
    rf"pypi-{_WIDE}{{40,250}}", rf"rubygems_{_HEX}{{48}}", r"oy2[a-z0-9]{43}",
    rf"dckr_(?:pat|oat)_{_WIDE}{{20,40}}", r"CLOJARS_[a-z0-9]{60}", rf"AKCp{_ALNUM}{{11,80}}",
     rf"hv[sbr]\.{_WIDE}{{20,400}}",
    rf"dp\.(?:pt|st|ct|sa|scim|audit)\.{_WIDE}{{30,60}}", rf"pul-{_HEX}{{40}}",
    rf"sntry[su]_{_WIDE}{{40,250}}=*", rf"gl(?:sa|c)_{_WIDE}{{30,400}}=*",
    r"NRAK-[A-Z0-9]{27}", rf"NRII-{_WIDE}{{32}}", rf"dd[ap]_{_ALNUM}{{30,50}}",
    # Messages and offices
    rf"xox[abeoprs](?:\.xox[bp])?-{_WIDE}{{10,250}}", rf"xapp-{_WIDE}{{10,250}}",
    rf"SG\.{_WIDE}{{16,64}}\.{_WIDE}{{16,64}}", rf"key-{_HEX}{{32}}",
     rf"EAA[A-Z]{_ALNUM}{{80,300}}", rf"xkeysib-{_HEX}{{64}}-{_ALNUM}{{16}}",
    r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}", rf"lin_api_{_ALNUM}{{40}}",
    rf"(?:secret|ntn)_{_ALNUM}{{40,50}}", rf"PMAK-{_HEX}{{24}}-{_HEX}{{34}}",
    rf"figd_{_WIDE}{{40}}",  r"pat-(?:na|eu)1-[a-f0-9\-]{36}",
    r"AGE-SECRET-KEY-1[0-9A-Z]{58}", rf"ops_eyJ{_ALNUM}{{100,900}}", r"A3-[A-Z0-9\-]{30,40}",
    # Signed tokens
    rf"eyJ{_WIDE}{{8,1000}}+\.{_WIDE}{{8,8000}}+(?:\.{_WIDE}{{0,4000}}+)?",
)  # fmt: skip

INNER_SHAPES: Final = (
    rf"{_ALNUM}{{3}}8Q~[A-Za-z0-9_~.\-]{{31,34}}",
    rf"{_ALNUM}{{14}}\.atlasv1\.{_WIDE}{{60,70}}",
    r"[0-9]{8,10}:AA[A-Za-z0-9_\-]{32,35}",
    rf"[MNO]{_WIDE}{{23,27}}\.{_WIDE}{{6}}\.{_WIDE}{{27,40}}",
    rf"{_HEX}{{32}}-us[0-9]{{1,2}}",
    rf"(?:AC|SK){_HEX}{{32}}",
    rf"pat{_ALNUM}{{14}}\.{_HEX}{{64}}",
)  # fmt: skip
"""Keys told by what stands inside of them."""

FIRST_HINTS: Final = (
    "sk-", "gsk_", "xai-", "hf_", "r8_", "pplx-", "lsv2_", "pcsk_", "jina_", "akia", "asia",
    "abia", "acca", "a3t", "aiza", "ya29.", "gocspx-", "doo_v1_", "dop_v1_", "dor_v1_", "dot_v1_",
    "ltai", "akid", "dapi", "hrku-", "fo1_", "fm1_", "fm2_", "sbp_", "pscale_", "ocid1.", "sk_",
    "pk_", "rk_", "whsec_", "sq0", "eaaa", "access_token$", "flwseck", "flwpubk", "ezak", "eztk",
    "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "glcbt-",
    "glptt-", "glft-", "glsoat-", "glagent-", "glimt-", "glffct-", "atbb", "atatt3", "npm_",
    "pypi-", "rubygems_", "oy2", "dckr_", "clojars_", "akcp", "hvs.", "hvb.", "hvr.", "dp.pt.",
    "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit.", "pul-", "sntrys_", "sntryu_", "glsa_",
    "glc_", "nrak-", "nrii-", "ddp_", "dda_", "xoxa", "xoxb", "xoxe", "xoxo", "xoxp", "xoxr",
    "xoxs", "xapp-", "sg.", "key-", "xkeysib-", "shpat_", "shpca_", "shppa_", "shpss_",
    "lin_api_", "secret_", "eaa",
    "ntn_", "pmak-", "figd_", "pat-na1-", "pat-eu1-", "age-secret-key-",
    "ops_eyj", "a3-", "eyj",
)  # fmt: skip
"""How the keys of the first shapes start, in lower case."""

INNER_FORMS: Final = (
    r"8q~[a-z0-9_~.-]{31}|\.atlasv1\.|:aa[a-z0-9_-]{32}|-us[0-9]"
    r"|(?:ac|sk)[a-f0-9]{32}|pat[a-z0-9]{14}\.|\.[a-z0-9_-]{6}\.[a-z0-9_-]{27}"
)
"""What stands in the inner shapes, in lower case."""
