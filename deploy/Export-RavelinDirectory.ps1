<#
.SYNOPSIS
    Exports what ravelin needs to know about computer accounts, in LDIF. Reads only; any domain user may run it.

.DESCRIPTION
    Writes the domain's object, its groups and computers, the forest's NTAuthCertificates and the domain's crossRef. Make a snapshot
    from it with:  ravelin directory import --ldif export.ldif --snapshot directory.snapshot
    Needs no module: it uses LDAP by System.DirectoryServices.Protocols, signed and sealed.
    The file is written under a temporary name, and renamed only if the export is complete.

.EXAMPLE
    .\Export-RavelinDirectory.ps1 -Path C:\ravelin\export.ldif
.EXAMPLE
    .\Export-RavelinDirectory.ps1 -Path C:\ravelin\export.ldif -Server dc1.corp.example.com
#>
[CmdletBinding()]
param(
    # Where to write the export.
    [Parameter(Mandatory)] [string] $Path,
    # A domain controller or the domain's DNS name; without it, the domain of this machine.
    [string] $Server = [System.DirectoryServices.ActiveDirectory.Domain]::GetComputerDomain().Name,
    # Entries in each page; domain controllers allow 1000.
    [ValidateRange(1, 1000)] [int] $PageSize = 500
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Add-Type -AssemblyName System.DirectoryServices.Protocols

$attributes = @(
    'objectClass', 'objectCategory', 'objectGUID', 'objectSid', 'sAMAccountName', 'dNSHostName', 'servicePrincipalName',
    'userAccountControl', 'accountExpires', 'altSecurityIdentities', 'primaryGroupID', 'memberOf', 'groupType',
    'nCName', 'nETBIOSName', 'cACertificate'
)

$connection = New-Object System.DirectoryServices.Protocols.LdapConnection $Server
$connection.SessionOptions.ProtocolVersion = 3
$connection.SessionOptions.Signing = $true
$connection.SessionOptions.Sealing = $true
# Referrals are not followed: each domain has an export of its own.
$connection.SessionOptions.ReferralChasing = 'None'
$connection.Bind()

function Write-Value([System.IO.StreamWriter] $Writer, [string] $Name, [byte[]] $Value) {
    # Always base64: so it does not matter which values are text.
    $Writer.WriteLine("${Name}:: " + [Convert]::ToBase64String($Value))
}

function Write-Entries([System.IO.StreamWriter] $Writer, [string] $Base, [string] $Filter) {
    $request = New-Object System.DirectoryServices.Protocols.SearchRequest $Base, $Filter, 'Subtree', $attributes
    $page = New-Object System.DirectoryServices.Protocols.PageResultRequestControl $PageSize
    [void] $request.Controls.Add($page)
    $count = 0
    do {
        $response = $connection.SendRequest($request)
        if ($response.ResultCode -ne 'Success') { throw "${Base}: $($response.ResultCode) $($response.ErrorMessage)" }
        foreach ($entry in $response.Entries) {
            Write-Value $Writer 'dn' ([Text.Encoding]::UTF8.GetBytes($entry.DistinguishedName))
            foreach ($name in $entry.Attributes.AttributeNames) {
                foreach ($value in $entry.Attributes[$name].GetValues([byte[]])) { Write-Value $Writer $name $value }
            }
            $Writer.WriteLine()
            $count++
        }
        $next = $response.Controls | Where-Object { $_ -is [System.DirectoryServices.Protocols.PageResultResponseControl] }
        $page.Cookie = if ($next) { $next.Cookie } else { @() }
    } while ($page.Cookie.Length -gt 0)
    return $count
}

$root = $connection.SendRequest((New-Object System.DirectoryServices.Protocols.SearchRequest '', '(objectClass=*)', 'Base', $null))
$domain = [string] $root.Entries[0].Attributes['defaultNamingContext'][0]
$configuration = [string] $root.Entries[0].Attributes['configurationNamingContext'][0]

$beside = "$Path.tmp"
$began = [DateTime]::UtcNow
$writer = New-Object System.IO.StreamWriter $beside, $false, (New-Object Text.UTF8Encoding $false)
try {
    $writer.WriteLine('version: 1')
    $writer.WriteLine()
    $count = Write-Entries $writer $domain '(|(objectClass=domainDNS)(objectClass=group)(objectCategory=computer))'
    $count += Write-Entries $writer $configuration '(|(objectClass=crossRef)(cn=NTAuthCertificates))'
} finally {
    $writer.Dispose()
    $connection.Dispose()
}
# The time of the file is when the export began: its facts are as old as that.
[System.IO.File]::SetLastWriteTimeUtc($beside, $began)
Move-Item -Force $beside $Path
Write-Host "$count entries of $domain in $Path"
