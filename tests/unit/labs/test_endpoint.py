"""Labs' addresses: from the configuration, in one spelling, to one place."""

import pytest

from sekisho.labs import BadEndpoint, LabEndpoint


@pytest.mark.parametrize(
    ("url", "expected", "header"),
    [
        ("https://api.openai.com", ("https", "api.openai.com", 443, ""), b"api.openai.com"),
        ("https://api.openai.com/", ("https", "api.openai.com", 443, ""), b"api.openai.com"),
        ("https://API.OpenAI.com:443/lab/v2/", ("https", "api.openai.com", 443, "/lab/v2"), b"api.openai.com"),
        ("http://127.0.0.1:9000", ("http", "127.0.0.1", 9000, ""), b"127.0.0.1:9000"),
        ("http://[::1]:9000/x", ("http", "::1", 9000, "/x"), b"[::1]:9000"),
        ("https://[2001:DB8:0:0::1]", ("https", "2001:db8::1", 443, ""), b"[2001:db8::1]"),
        ("http://localhost:80", ("http", "localhost", 80, ""), b"localhost"),
        ("https://a-1.b2:8443", ("https", "a-1.b2", 8443, ""), b"a-1.b2:8443"),
    ],
)
def test_an_address_is_taken_apart(url, expected, header):
    """Scheme, host, port and path, and the Host header that goes with them."""
    endpoint = LabEndpoint.parse(url)
    assert (endpoint.scheme, endpoint.host, endpoint.port, endpoint.base_path) == expected
    assert endpoint.host_header == header


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com",
        "//api.openai.com",
        "ftp://api.openai.com",
        "file:///etc/passwd",
        "unix:/run/lab.sock",
        "HTTP:/x",
        "https://",
        "https://user@api.openai.com",
        "https://user:pass@api.openai.com",
        "https://api.openai.com?x=1",
        "https://api.openai.com/v1?x=1",
        "https://api.openai.com#x",
        "https://api.openai.com\\@evil.example",
        "https://api.openai.com\n.evil.example",
        "https://api.openai.com /",
        "https://api.openai.com:0",
        "https://api.openai.com:65536",
        "https://api.openai.com:99999",
        "https://api.openai.com:",
        "https://api.openai.com:443:443",
        "https://api.openai.com/a/../b",
        "https://api.openai.com/./",
        "https://api.openai.com//v1",
        "https://api.openai.com/%2e%2e",
        "https://127.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://127.0.0.01",
        "https://1.2.3.4.5",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://-a.example",
        "https://a..example",
        "https://a.example.",
        "https://日本.example",
        "https://" + "a" * 64 + ".example",
    ],
)
def test_anything_with_a_second_reading_is_refused(url):
    """What one parser takes for the host another takes for a user: neither gets the credential."""
    with pytest.raises(BadEndpoint):
        LabEndpoint.parse(url)
