@echo off
rem medpsy for Windows: builds on first use and after changes, then runs the command line on a JDK 25 or newer.
rem The same steps as in the file medpsy, which explains them.
setlocal EnableExtensions DisableDelayedExpansion
set "HERE=%~dp0"
set "HERE=%HERE:~0,-1%"
set "OUT=%HERE%\cli\target\medpsy"
set "JAR=%OUT%\lib\medpsy.jar"
set "ARCHIVE=%OUT%\classes.jsa"
set "FLAGS=%OUT%\flags"
set "LOG=%HERE%\cli\target\medpsy-build.log"
set "SOONER=-XX:CompileCommand=quiet"
for %%C in (VectorPanels VectorTiles VectorFours VectorFloats VectorBf16 VectorTables VectorKernels Quantizer) do call :sooner io.github.medpsy4j.engine.kernel.%%C::*
set "LATER=-XX:Tier4BackEdgeThreshold=1000000 -XX:CompileCommand=CompileThresholdScaling,jdk.incubator.vector.*::*,10.0"
set "JVM=-XX:+UseSerialGC -Xms48m -Xmn32m %SOONER% %LATER% -XX:-UsePerfData -XX:+DisplayVMOutputToStderr -Xlog:disable -Xlog:all=warning,cds*=off:stderr"

call :find_jdk
if not defined JDK exit /b 1

call :is_built
if not errorlevel 1 goto record
call :build
if errorlevel 1 exit /b 1

:record
set "KNOWN="
if exist "%FLAGS%" set /p KNOWN=<"%FLAGS%"
if "%KNOWN%"=="%JDK%" goto start
del /q "%ARCHIVE%" "%OUT%\vector-flag" 2>nul
"%JDK%\bin\java" %JVM% "-XX:ArchiveClassesAtExit=%ARCHIVE%" -Dmedpsy.rehearse=true -jar "%JAR%" >>"%LOG%" 2>&1 <nul
if not errorlevel 1 goto recorded
del /q "%ARCHIVE%" 2>nul
>"%OUT%\vector-flag" echo --add-modules=jdk.incubator.vector
:recorded
>"%FLAGS%" echo %JDK%

:start
set "VECTOR="
if exist "%OUT%\vector-flag" set /p VECTOR=<"%OUT%\vector-flag"
set "SHARED="
if exist "%ARCHIVE%" set SHARED="-XX:SharedArchiveFile=%ARCHIVE%"
"%JDK%\bin\java" %JVM% %VECTOR% %SHARED% %MEDPSY_JAVA_OPTS% -jar "%JAR%" %*
exit /b %ERRORLEVEL%

rem A class whose methods whoever calls them waits for.
:sooner
set "SOONER=%SOONER% -XX:CompileCommand=CompileThresholdScaling,%~1,0.02 -XX:CompileCommand=BackgroundCompilation,%~1,false"
exit /b 0

rem Sets JDK to the first home with a "release" file that says 25 or newer, or explains.
:find_jdk
set "JDK="
if not defined MEDPSY_JAVA_HOME goto find_elsewhere
call :offer "%MEDPSY_JAVA_HOME%"
if defined JDK exit /b 0
>&2 echo medpsy: MEDPSY_JAVA_HOME=%MEDPSY_JAVA_HOME% is no JDK 25 or newer
exit /b 1
:find_elsewhere
if defined JAVA_HOME call :offer "%JAVA_HOME%"
if defined JDK exit /b 0
for /f "delims=" %%J in ('where java 2^>nul') do call :offer "%%~dpJ.."
if defined JDK exit /b 0
for %%P in ("%ProgramFiles%\Java" "%ProgramFiles%\Eclipse Adoptium" "%ProgramFiles%\Microsoft" "%ProgramFiles%\Zulu" "%ProgramFiles%\Amazon Corretto" "%ProgramFiles%\BellSoft" "%LOCALAPPDATA%\Programs\Eclipse Adoptium" "%USERPROFILE%\.jdks" "%USERPROFILE%\scoop\apps" "%USERPROFILE%\.sdkman\candidates\java") do (
    if exist "%%~P" for /d %%J in ("%%~P\*") do call :offer "%%~J"
)
if defined JDK exit /b 0
>&2 echo medpsy: needs a JDK 25 or newer and found none
>&2 echo Looked in MEDPSY_JAVA_HOME, JAVA_HOME, PATH, %ProgramFiles% (Java, Eclipse Adoptium, Microsoft, Zulu, Corretto, BellSoft), .jdks and scoop.
>&2 echo To get one: winget install EclipseAdoptium.Temurin.25.JDK, or unpack one from https://adoptium.net and set MEDPSY_JAVA_HOME to it.
exit /b 1

rem :offer HOME: takes HOME if nothing was taken yet and it is new enough.
:offer
if defined JDK exit /b 0
if not exist "%~f1\bin\javac.exe" exit /b 0
if not exist "%~f1\release" exit /b 0
set "MAJOR="
for /f "tokens=2 delims==." %%V in ('findstr /b /c:"JAVA_VERSION=" "%~f1\release"') do set "MAJOR=%%~V"
if not defined MAJOR exit /b 0
set "MAJOR=%MAJOR:"=%"
for /f "tokens=1 delims=-+_" %%V in ("%MAJOR%") do set "MAJOR=%%V"
if %MAJOR% GEQ 25 set "JDK=%~f1"
exit /b 0

rem Error level 0 if the jar is there and no source is newer than it. PowerShell compares times; batch cannot.
:is_built
if not exist "%OUT%\built" exit /b 1
if not exist "%JAR%" exit /b 1
powershell -NoProfile -NonInteractive -Command "$b=(Get-Item -LiteralPath $env:OUT\built).LastWriteTimeUtc; $s=@(Get-ChildItem -LiteralPath $env:HERE -Filter pom.xml)+@(Get-ChildItem -LiteralPath $env:HERE -Directory | ForEach-Object { Get-ChildItem -LiteralPath $_.FullName -Filter pom.xml; if (Test-Path -LiteralPath ($_.FullName+'\src\main')) { Get-ChildItem -LiteralPath ($_.FullName+'\src\main') -Recurse } }); if ($s | Where-Object { $_.LastWriteTimeUtc -gt $b } | Select-Object -First 1) { exit 1 }"
exit /b %ERRORLEVEL%

:build
set "MVN="
for /f "delims=" %%M in ('where mvn.cmd 2^>nul') do if not defined MVN set "MVN=%%M"
if not defined MVN if defined MAVEN_HOME if exist "%MAVEN_HOME%\bin\mvn.cmd" set "MVN=%MAVEN_HOME%\bin\mvn.cmd"
if not defined MVN (
    >&2 echo medpsy: needs Maven 3.8 or newer to build and found no mvn.cmd in PATH or MAVEN_HOME
    >&2 echo To get it: scoop install maven, or choco install maven, or https://maven.apache.org/download.cgi
    exit /b 1
)
rem Creating a folder succeeds for one start only; the others wait until it is gone.
if not exist "%HERE%\cli\target" mkdir "%HERE%\cli\target" 2>nul
mkdir "%HERE%\cli\target\medpsy.lock.d" 2>nul
if errorlevel 1 (
    >&2 echo medpsy: waiting for another start that is building; if there is none, remove "%HERE%\cli\target\medpsy.lock.d"
    goto wait
)
>&2 echo medpsy: building, about half a minute where Maven has what it needs
if not exist "%OUT%" mkdir "%OUT%"
>"%OUT%\built.new" echo built
setlocal
set "JAVA_HOME=%JDK%"
pushd "%HERE%"
call "%MVN%" -B -Dquick -Dmaven.test.skip=true -pl cli -am package >"%LOG%" 2>&1 <nul
set "RC=%ERRORLEVEL%"
popd
endlocal & set "RC=%RC%"
if "%RC%"=="0" (
    move /y "%OUT%\built.new" "%OUT%\built" >nul
    del /q "%FLAGS%" 2>nul
)
rmdir "%HERE%\cli\target\medpsy.lock.d"
if "%RC%"=="0" exit /b 0
>&2 echo medpsy: the build failed; errors in "%LOG%":
>&2 findstr /b /c:"[ERROR]" "%LOG%"
exit /b 1
:wait
ping -n 2 127.0.0.1 >nul
if exist "%HERE%\cli\target\medpsy.lock.d" goto wait
call :is_built
exit /b %ERRORLEVEL%
