/// Keys and certificates that OpenSSL made for these tests and nothing else; they hold for a hundred years.
enum OpenSSLFixtures {
    /// For `rsa.example.org`.
    static let rsaCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIDMzCCAhugAwIBAgIUWxM0BTyuxe6fwlBLBw+pDO82fdcwDQYJKoZIhvcNAQEL
        BQAwGjEYMBYGA1UEAwwPcnNhLmV4YW1wbGUub3JnMCAXDTI2MTEyNTA1MjMxOFoY
        DzIxMjYxMTAxMDUyMzE4WjAaMRgwFgYDVQQDDA9yc2EuZXhhbXBsZS5vcmcwggEi
        MA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCpM33RDl4XCrNR1mO1adzYnJea
        DM55srtUyvr/7WKQts04/yCWBfuLJsiE9pC/4U1tid8JoqwvWYKAvbl7wXMm/wSD
        X3QprZhIl3QRO7F5XA03FxmgfLpjd4DmHAAnZkTnRgJZ7WCO6pdmbePvFM340kIm
        cHrtVWtOcU4CFYspqr6v+mTuiSj2M3XVoBfNvMYxb0manS4zahiN/reimFfnR083
        aKGh/ccPEe73p3uiPrupbrAAXOLWrwRoFRFBo2+IPGBu6+KjrMIX4oCQ9G/aO0iM
        /bBVMTGAwWCysxlWuZ4gYf6O1lQbpqWuz7N+0E3Y9eK2cdI2ourirfNihvCZAgMB
        AAGjbzBtMB0GA1UdDgQWBBSDHbtSVfbc7huRAB2fsggoeIvX1TAfBgNVHSMEGDAW
        gBSDHbtSVfbc7huRAB2fsggoeIvX1TAPBgNVHRMBAf8EBTADAQH/MBoGA1UdEQQT
        MBGCD3JzYS5leGFtcGxlLm9yZzANBgkqhkiG9w0BAQsFAAOCAQEACFE/xb/Z4UCF
        ysCES1A+UwpM9crO0Trbku8VYvRNoYqCACn/L4EXN0UoUa++wpdvMd7X+6itVRf2
        CUMFbhy25Tr/EpT7TEkCilLVPskBfZidX35g9oiO0Gd6toiDO4KGpJnMLFnCzVJP
        pkXSoqcRWBdg3ey9z9gqJvom6CYCo3Zz1mOP4xQaWLerIbzEQPOZbrCUjJEe9vLl
        4hoQqGSDA5501E5hE1qHhFMZBXdW8w6H5z8Y+GmE86N2Guoaes2jcHvuunEoumA1
        5gXf6pTbBBSnSTembjj9LKTuKVGeRFeMFSRRIZVW4+uVgNkXm8wl2HVrHKL+hClH
        IamOpVVkkA==
        -----END CERTIFICATE-----
        """

    /// In the older form of PKCS #1.
    static let rsaKey = """
        -----BEGIN RSA PRIVATE KEY-----
        MIIEpQIBAAKCAQEAqTN90Q5eFwqzUdZjtWnc2JyXmgzOebK7VMr6/+1ikLbNOP8g
        lgX7iybIhPaQv+FNbYnfCaKsL1mCgL25e8FzJv8Eg190Ka2YSJd0ETuxeVwNNxcZ
        oHy6Y3eA5hwAJ2ZE50YCWe1gjuqXZm3j7xTN+NJCJnB67VVrTnFOAhWLKaq+r/pk
        7oko9jN11aAXzbzGMW9Jmp0uM2oYjf63ophX50dPN2ihof3HDxHu96d7oj67qW6w
        AFzi1q8EaBURQaNviDxgbuvio6zCF+KAkPRv2jtIjP2wVTExgMFgsrMZVrmeIGH+
        jtZUG6alrs+zftBN2PXitnHSNqLq4q3zYobwmQIDAQABAoIBACDXjIqVTBiTXGKc
        Zz6phXMrE/cUGMjA80EeZBFkkZ7uyI9RYBEWqLBmDwJV/Jst/3ItUnRDlcHcEStt
        iBD4J+KQGd9pGfpUBmzCrwYATO62Oh9xFamTxDb11Xh0w2fiXyn36hFr9LPQ36HD
        XzyDEIbFQw9EgmvKSnmPnxli9p/Xwn3HURKdFlBEdbQ7hve4kIQ2puvBhm4MRYk4
        ixR7IzFNZju1NC/cf+PF11ljhdnQo7joPoOjUFjaiAvrzbYBX60W4r6n779ngtVe
        13wVx9HVdeYMfuUMTbr+XKCMWp6tRI+sH2PybALWb4cPq+s0mjInt91XCs6vdAOq
        Bsg7rM0CgYEA0uBGMfW522yPk4g+9vAdt59mKevjEKbGP8snfXkrJ8pAfRF/1pd0
        lnLVvyauumw2P/VSTVtf/mL4gT98U9R4m9CNn6l/mDIrPKzM2zNRwrafgFa30tDX
        tBVt42W0wCcX7YKj9+iOxSBwe8CwpiquhaxKvfeazj4trhEyJyMI9DUCgYEAzWhH
        AtSKwozPMAt05ZLaTdJOINi5HZK0Gw/OQCdHY/Sf6byrRPHRsuQ3VZScTCjbU/EC
        MySKgSTP1gw4DHRde2V7glGVCPTDcIVzBFcazpgMgV5B8TAaoAhYsbtwDx3qBeKj
        40yc9UZB3So5dLijiYqjFU8I1085ltp36Oubz1UCgYEAoFe4CDT35Uhew6dNeSaK
        8hxZ6nZaaUbmZ4tps5Z2ogK/llnAAsOW+u7GaFpZcZbmiStYMUnRa/SFUIGdX4Cn
        VJL3nPec9XTwO2qJOgODn7KNBWDq1XnHCj9hFw82qQUQxKAZXV+Pb4SDAxY5O6Ao
        o6umCVxEcZ4Fzd11bRzOqiECgYEAunLNAmSrD62A47uCgGCsh7c989LFNXLUyTuv
        m8wLoU+LWD9Jt2tJTXiaQbSDqx3q+Gbr+EBS+KbRgRnWRnfZ4wha9A/ZmCeUv65i
        mK34R079CvDkKmnfwSPSXoIlVZNxuaXf3ZLNZlY/suGBBdITn+WX4t+6xrXDMIte
        DK7Q34ECgYEAw9kY6IAGQ9D7Ivq0gJqbc0WSQPY3JQaoeYXRTOa0AVSRFxAykV4E
        6KQxfs2OIpoHLK6cUVQKk5/8o3SWo2E8H0zmB8DFBoHuuD0oMk0YnQ7qBR3G3oWe
        oRFVOcLLTk4tasHnyvzLuiO+6zCytV2572bM/rVQDYLv4Z5/6zxDvyk=
        -----END RSA PRIVATE KEY-----
        """

    /// For `ec.example.org` and `*.ec.example.org`.
    static let ecCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBtjCCAV2gAwIBAgIUX+B1eYV2MnyDIRpLPOMlDkcqbSMwCgYIKoZIzj0EAwIw
        GTEXMBUGA1UEAwwOZWMuZXhhbXBsZS5vcmcwIBcNMjYxMTI1MDUyMzE4WhgPMjEy
        NjExMDEwNTIzMThaMBkxFzAVBgNVBAMMDmVjLmV4YW1wbGUub3JnMFkwEwYHKoZI
        zj0CAQYIKoZIzj0DAQcDQgAEwuYQ8ab/Kmechw8pOMUo9Kv/3w/nry3pILt645hC
        w5N7GEeTxft4ZAQrebtTsxYIPFa/7zO95douNY/xP3Gl3aOBgDB+MB0GA1UdDgQW
        BBTfCPOzjrssS3CnKwrR4+acw+Wz0DAfBgNVHSMEGDAWgBTfCPOzjrssS3CnKwrR
        4+acw+Wz0DAPBgNVHRMBAf8EBTADAQH/MCsGA1UdEQQkMCKCDmVjLmV4YW1wbGUu
        b3JnghAqLmVjLmV4YW1wbGUub3JnMAoGCCqGSM49BAMCA0cAMEQCID59cpqUHmBK
        eZBaB2in++PYv0V90bqWL2ZPcSlFvn2rAiBNrQyBPkXLxqRwHGOfhhKwceNQsj5i
        93RSkWf0L1pN7w==
        -----END CERTIFICATE-----
        """

    /// With the curve before the key, as OpenSSL writes it.
    static let ecKey = """
        -----BEGIN EC PARAMETERS-----
        BggqhkjOPQMBBw==
        -----END EC PARAMETERS-----
        -----BEGIN EC PRIVATE KEY-----
        MHcCAQEEIO8wC2W39j+CU5ml0Uec7j4ADD66XmdlItV8Ztilh0yaoAoGCCqGSM49
        AwEHoUQDQgAEwuYQ8ab/Kmechw8pOMUo9Kv/3w/nry3pILt645hCw5N7GEeTxft4
        ZAQrebtTsxYIPFa/7zO95douNY/xP3Gl3Q==
        -----END EC PRIVATE KEY-----
        """

    /// What `openssl x509 -fingerprint -sha256` says of ``ecCertificate``.
    static let ecFingerprint = "3cee1ad58bf430bb429f9de8f8a2e3635ead73aa4a7970aa0278bf92b45e463a"
}
