package fake

import (
	"encoding/base64"
	"strings"
)

// Class is a kind of secret.
type Class struct {
	Name string
	Why  string // why none of it can be real
	make func(material) Secret
}

const (
	marked   = "marked FAKE where the issuer has random letters"
	unsigned = "marked fa4e where the issuer has random digits"
	reserved = "its host is of example.com, which is reserved"
)

// Classes are all kinds of secrets.
func Classes() []Class {
	token := func(name, lead string, n int) Class {
		return Class{name, marked, func(m material) Secret { return plain(lead+"FAKE", m.upper(n), "") }}
	}
	return []Class{
		token("AWSAccessKeyID", "AKIA", 12),
		token("AWSSecretKey", "", 36),
		token("GitHubToken", "ghp_", 32),
		{"GitHubFineGrainedToken", marked, func(m material) Secret {
			return plain("github_pat_FAKE000000000000000000_", m.upper(52), "0000000")
		}},
		token("GitLabToken", "glpat-", 16),
		{"SlackToken", "its team and its user are zero", func(m material) Secret { return plain("xoxb-000000000000-000000000000-", m.upper(24), "") }},
		token("StripeKey", "sk_test_", 20),
		token("GCPKey", "AIza", 31),
		{"GCPServiceAccount", "its key is no DER, and its project is of example.com", serviceAccount},
		{"AzureStorageKey", marked, func(m material) Secret {
			s := plain("FAKE", m.upper(52), strings.Repeat("A", 30)+"==")
			s.Text = "DefaultEndpointsProtocol=https;AccountName=fake;AccountKey=" + s.Text + ";EndpointSuffix=example.com"
			return s
		}},
		token("NPMToken", "npm_", 32),
		token("PyPIToken", "pypi-AgEIcHlwaS5vcmc", 52),
		{"SendGridKey", marked, func(m material) Secret { return plain("SG.FAKE000000000000000000.", m.upper(43), "") }},
		{"TwilioKey", unsigned, func(m material) Secret { return plain("SKfa4e", m.hex(28), "") }},
		token("OpenAIKey", "sk-proj-", 52),
		{"AnthropicKey", marked, func(m material) Secret { return plain("sk-ant-api03-FAKE", m.upper(52), strings.Repeat("0", 37)+"AA") }},
		{"VaultToken", marked, func(m material) Secret { return plain("hvs.FAKE", m.upper(52), strings.Repeat("0", 34)) }},
		{"AgeKey", "its checksum is none", func(m material) Secret { return plain("AGE-SECRET-KEY-1FAKE", m.bech32(52), "QQ") }},
		{"JWT", "its signature is no digest of it", func(m material) Secret {
			return jwt(m, `{"alg":"HS256","typ":"JWT"}`, `{"iss":"https://fake.example.com","sub":"fake"}`)
		}},
		{"PEMKey", "it is no DER", func(m material) Secret { return pem(m, "PRIVATE KEY", "MIIEFAKEFAKE") }},
		{"OpenSSHKey", "it ends within its head", func(m material) Secret { return pem(m, "OPENSSH PRIVATE KEY", "b3BlbnNzaC1rZXktdjEAFAKE") }},
		{"BasicAuthURL", reserved, func(m material) Secret {
			return around("https://fake:", plain("FAKE", m.upper(26), ""), "@service.example.com/")
		}},
		{"DatabaseDSN", reserved, func(m material) Secret {
			return around("postgres://fake:", plain("FAKE", m.upper(26), ""), "@db.example.com:5432/fake")
		}},
		token("BearerToken", "bearer-", 40),
		{"SessionCookie", unsigned, func(m material) Secret { return plain("fa4e", m.hex(36), "") }},
		{"KubeToken", "its signature is no signature, and its issuer is of example.com", func(m material) Secret {
			return jwt(m, `{"alg":"RS256","kid":"fake"}`, `{"iss":"https://kubernetes.example.com","sub":"system:serviceaccount:fake:fake"}`)
		}},
		{"Kubeconfig", reserved, kubeconfig},
		{"CardNumber", "it is of 424242, the range of test cards that no bank issues", card},
		{"SSN", "no number begins with 9 and has 01 to 49 in its middle", ssn},
		{"EMail", reserved, func(m material) Secret { return plain("fake-", m.lower(26), "@example.com") }},
		{"IBAN", "there is no bank FAKE", account},
	}
}

func around(before string, s Secret, after string) Secret {
	s.Text = before + s.Text + after
	return s
}

func jwt(m material, header, claims string) Secret {
	url := base64.RawURLEncoding
	return plain(url.EncodeToString([]byte(header))+"."+url.EncodeToString([]byte(claims))+".", m.upper(43), "")
}

func pem(m material, what, lead string) Secret {
	return around("-----BEGIN "+what+"-----\n", plain(lead, m.upper(52), ""), "\n-----END "+what+"-----")
}

func serviceAccount(m material) Secret {
	return around(`{"type":"service_account","project_id":"fake","client_email":"fake@example.com","private_key":"-----BEGIN PRIVATE KEY-----\n`,
		plain("MIIEFAKEFAKE", m.upper(52), ""), `\n-----END PRIVATE KEY-----\n"}`)
}

func kubeconfig(m material) Secret {
	return around("apiVersion: v1\nkind: Config\nclusters:\n- {name: fake, cluster: {server: \"https://kubernetes.example.com\"}}\nusers:\n- {name: fake, user: {token: ",
		plain("FAKE", m.upper(40), ""), "}}\n")
}

// card is a number that passes Luhn's test. Its first six digits name the
// range, its last four may be shown.
func card(m material) Secret {
	number := "424242" + m.digits(9)
	number += luhn(number)
	s := plain("424242", number[6:], "")
	s.Also = []string{spaced(number, 4, " "), spaced(number, 4, "-")}
	return s
}

func ssn(m material) Secret {
	middle := 1 + int(m[0])%49
	body := "9" + m.digits(2) + "-" + string([]byte{byte('0' + middle/10), byte('0' + middle%10)}) + "-" + m.digits(6)[:4]
	s := plain("", body, "")
	s.Also = []string{strings.ReplaceAll(body, "-", "")}
	return s
}

func account(m material) Secret {
	number := m.digits(14)
	check := iban("GB", "FAKE"+number)
	s := around("GB"+check, plain("FAKE", number, ""), "")
	s.Also = []string{spaced(s.Text, 4, " ")}
	return s
}
