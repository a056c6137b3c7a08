"""Makes a container in Azurite, by the account and the key that everybody knows: azure_container.py URL NAME"""

import base64
import email.utils
import hashlib
import hmac
import sys
import urllib.request

ACCOUNT = 'devstoreaccount1'
KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='
VERSION = '2021-08-06'

url, name = sys.argv[1:]
date = email.utils.formatdate(usegmt=True)
# Shared Key: the verb, eleven headers that are not there, those of Azure, the resource.
signed = ['PUT', *[''] * 11, f'x-ms-date:{date}', f'x-ms-version:{VERSION}', f'/{ACCOUNT}/{ACCOUNT}/{name}', 'restype:container']
mac = hmac.new(base64.b64decode(KEY), '\n'.join(signed).encode(), hashlib.sha256).digest()
headers = {
    'x-ms-date': date,
    'x-ms-version': VERSION,
    'Authorization': f'SharedKey {ACCOUNT}:{base64.b64encode(mac).decode()}',
    'Content-Length': '0',
}
address = f'{url}/{ACCOUNT}/{name}?restype=container'
urllib.request.urlopen(urllib.request.Request(address, method='PUT', headers=headers)).read()
